"""Runs a page's Python program as a user who has installed azure-ai-ml and is logged in.

What is not here is left out: a login by browser, and the storage account that code is uploaded to.
"""

import runpy
import sys

import az
import azure.identity

azure.identity.DefaultAzureCredential = az.login
az.leave_out_uploads()
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
