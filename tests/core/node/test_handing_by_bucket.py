"""A prefix of a bucket as the place between two nodes: a unit that may put and read, a taker that empties it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from peers import seaweed
from peers.fleet import Fleet
from peers.seaweed import KEY_ID, MISSING, SECRET, UNIT, UNIT_SECRET, WEED, Seaweed

pytestmark = [pytest.mark.peer, pytest.mark.skipif(WEED is None, reason=MISSING)]


def let_units_put(server: Seaweed, bucket: str) -> None:
    """Give the bucket the policy that docs/nodes.md shows, for a server without principals."""
    objects, whole = f"arn:aws:s3:::{bucket}/*", f"arn:aws:s3:::{bucket}"
    said = [
        {"Effect": "Allow", "Principal": "*", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": objects},
        {"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": whole},
    ]
    with closing(server.client()) as owner:
        owner.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": said}))


def fleet(root: Path, server: Seaweed, bucket: str) -> Fleet:
    made = Fleet(root, {"unit1": "", "fr": 'kind = "cloud"'})
    for name, secret in (("unit", UNIT_SECRET), ("taker", SECRET)):
        for node in ("unit1", "fr"):
            file = made.sites[node].folder / name
            file.write_text(secret)
            file.chmod(0o600)
    where = f"127.0.0.1:{server.port}/{bucket}/unit1"
    fetch = f'fetch = {{ address = "s3+http://{KEY_ID}@{where}", password_file = "taker" }}'
    mine = f'address = "s3+http://{UNIT}@{where}"\npassword_file = "unit"'
    made.tables = {
        "fr": f'[[destination]]\nname = "fr"\nnode = "fr"\n{mine}\n{fetch}',
        "to fr": '[[route]]\nwhat = ["jpeg"]\nto = "fr"',
    }
    made.write()
    return made


def test_a_bucket_is_emptied_by_its_taker_and_holds_nothing_that_a_unit_could_reach(tmp_path: Path) -> None:
    with seaweed.running(tmp_path / "weed") as server:
        bucket = server.bucket()
        let_units_put(server, bucket)
        nodes = fleet(tmp_path, server, bucket)
        with nodes.running():
            nodes.until(lambda: nodes.proven("unit1", "fr"), "proven by the taker")
        taken = nodes.proven("unit1", "fr")
        with closing(server.client()) as owner:
            there = {one["Key"] for one in owner.list_objects_v2(Bucket=bucket).get("Contents", ())}
        assert not taken & {key.rpartition("/")[2] for key in there}
        receipts = next(key for key in there if "/_receipts/" in key)
        with closing(server.client(UNIT, UNIT_SECRET)) as unit, pytest.raises(ClientError, match="AccessDenied"):
            unit.delete_object(Bucket=bucket, Key=receipts)
    ours, theirs = ({path.name: path.read_bytes() for path in nodes.sites[one].pictures()} for one in ("unit1", "fr"))
    assert {name: ours[name] for name in taken} == {name: theirs[name] for name in taken}
