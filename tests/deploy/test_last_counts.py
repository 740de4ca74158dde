"""Counts of use when a server stops, read with `manage.py`."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from apicredentials.keys import secret_format
from tests.clients.visitor import new_credential, new_visitor
from tests.oauth.flow import GRANT
from tests.served import Served, run_portal

CALLS, WRONG = 60, 20
READ = """
import json
from apicredentials.models import Usage
print(json.dumps(dict(Usage.objects.values_list("event", "count"))))
"""


def test_stopping_server_writes_the_exact_counts(new_database: Callable[[], str], tmp_path: Path) -> None:
    with run_portal(tmp_path, DATABASE_URL=new_database(), WORKERS="2") as portal:
        use(portal)
    assert "use_not_written" not in portal.log
    written = json.loads(portal.manage("shell", "--no-imports", "-c", READ))
    assert written == {"token_request": CALLS, "api_call": CALLS, "wrong_secret": WRONG}


def use(portal: Served) -> None:
    """Send valid and invalid requests on many connections, so that every worker gets some."""
    client_id, secret = new_credential(portal, new_visitor(portal))

    def get_token_and_call(number: int) -> None:
        with httpx.Client() as http:
            answer = http.post(f"{portal}/token", data=GRANT, auth=(client_id, secret))
            token = answer.json()["access_token"]
            assert http.get(f"{portal}/verify", headers={"Authorization": f"Bearer {token}"}).status_code == 204

    def fail(number: int) -> None:
        auth = (client_id, secret_format.generate())
        assert httpx.post(f"{portal}/token", data=GRANT, auth=auth).status_code == 401

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(get_token_and_call, range(CALLS)))
        list(pool.map(fail, range(WRONG)))
