"""The emulator of Azure next to the node, and the setup in Entra."""

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request

import names
from node import ADDRESS, ISSUER

PORT = 8443
TENANT = "72f988bf-0000-4000-8000-000000000001"
CLIENT = "22222222-3333-4444-5555-666666666666"
PRINCIPAL = "22222222-3333-4444-5555-777777777777"
AUDIENCE = "api://AzureADTokenExchange"


class Azure:
    """A running emulator."""

    def __init__(self, node, program):
        node.start(
            program,
            *("--listen", f"{ADDRESS}:{PORT}", "--name", names.AZURE),
            *("--dir", node.work / "azure", "--operation-duration", "2s"),
        )
        self.endpoint = f"https://{names.AZURE}:{PORT}"
        self.ca = node.work / "azure/ca.pem"
        node.wait("the stand-in of Azure", lambda: self.control("GET", "healthz"))

    def ask(self, method, path, data=None, kind="application/json"):
        """A request to it, by its address, because this machine cannot resolve its name."""
        url = f"https://{ADDRESS}:{PORT}/{path}"
        request = urllib.request.Request(url, method=method, data=data, headers={"content-type": kind})
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=self.ca), timeout=10) as answer:
            return answer.read()

    def control(self, method, path, body=None):
        answer = self.ask(method, f"_emulator/{path}", json.dumps(body).encode() if body is not None else None)
        return json.loads(answer) if answer[:1] in b"{[" else True

    def federate(self, jwks, subject):
        """Trusts this cluster's tokens of that subject, and no other."""
        federated = [{"issuer": ISSUER, "subject": subject, "audience": AUDIENCE}]
        principal = {"tenantId": TENANT, "clientId": CLIENT, "objectId": PRINCIPAL, "federated": federated}
        self.control("PUT", "world", {"issuers": [{"issuer": ISSUER, "jwks": jwks}], "principals": [principal]})

    def exchange(self, assertion):
        """Entra's answer to a ServiceAccount's token: 200, or the code of its refusal."""
        form = {
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
            "scope": f"{self.endpoint}/.default",
        }
        data = urllib.parse.urlencode(form).encode()
        try:
            self.ask("POST", f"{TENANT}/oauth2/v2.0/token", data, "application/x-www-form-urlencoded")
        except urllib.error.HTTPError as error:
            return json.load(error)["error_codes"][0]
        return 200

    def journal(self, since=0):
        return self.control("GET", f"journal?since={since}")["requests"]

    def writes(self, since=0):
        """The requests to Azure that change a compute."""
        asked = [request for request in self.journal(since) if "/computes/" in request["path"]]
        return [request for request in asked if request["method"] != "GET"]

    def last(self):
        """The number of the last request."""
        return max((request["seq"] for request in self.journal()), default=0)

    def computes(self):
        """The names of the attached computes."""
        return self.named("computes")

    def pools(self):
        """The names of the Spark pools."""
        return self.named("pools")

    def roles(self):
        """The role assignments in Synapse workspaces."""
        return self.control("GET", "world")["roleAssignments"]

    def named(self, kind):
        return {resource["id"].rsplit("/", 1)[-1] for resource in self.control("GET", "world")[kind]}
