"""The demo's pipeline: Microsoft's client runs it on the pool that the operator attached as mysparkrole.

Run with the Python of tests/sdk/.venv; its argument is the file with the emulator's startup line.
"""

import json
import logging
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "sdk"))

from conftest import Azure, Client
from jobs import pipeline, steps, submit


def main():
    azure = Azure(json.loads(Path(sys.argv[1]).read_text()))
    # Before azure.ai.ml is imported.
    os.environ |= {"AZUREML_DEV_URL_MFE": azure.endpoint, "REQUESTS_CA_BUNDLE": azure.ca, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    logging.disable()
    ml = Client(azure)
    azure.seed({"computes": [{"id": f"{ml.id}/computes/cpucluster", "properties": {"computeType": "AmlCompute", "resourceId": None}}]})
    done = submit(ml, pipeline(ml, "mysparkrole"))
    ended = steps(azure, done.name)
    print(f"prepare, on the pool: {ended['prepare']}; train, on a cluster: {ended['train']}; the pipeline: {done.status.value}")
    if "error" in done.properties:
        print(done.properties["error"])
    sys.exit(done.status != "Completed")


if __name__ == "__main__":
    main()
