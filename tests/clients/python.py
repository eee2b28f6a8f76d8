"""simple-salesforce against the sandbox org. Reads the ready line from standard input."""
import datetime
import json
import sys

import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound

info = json.loads(sys.stdin.readline())
session = requests.Session()
session.verify = info["ca_file"]
# Settings of the machine would take the place of the file.
session.trust_env = False
sf = Salesforce(instance_url=info["instance_url"], session_id=info["access_token"], session=session, version="59.0")

assert sf.describe()["sobjects"], "describe global"
assert sf.Lead.describe()["name"] == "Lead"
made = sf.Lead.create({"LastName": "Python", "Company": "PSF", info["external_id_field"]: "py-1"})
assert made["success"]
lead = sf.Lead.get(made["id"])
assert lead["LastName"] == "Python"
assert sf.Lead.update(made["id"], {"Title": "T"}) == 204
assert sf.Lead.upsert(info["external_id_field"] + "/py-1", {"Title": "U"}) in (200, 204)
assert sf.Lead.get_by_custom_id(info["external_id_field"], "py-1")["Title"] == "U"
rows = sf.query_all("SELECT Id, Owner.Name FROM Lead")
assert rows["totalSize"] == len(rows["records"]) and rows["done"]
assert sum(1 for _ in sf.query_all_iter("SELECT Id FROM Contact", include_deleted=True)) >= 1
assert sf.search("FIND {Python} RETURNING Lead(Id)")["searchRecords"]
assert sf.quick_search("Python")["searchRecords"]
now = datetime.datetime.now(datetime.timezone.utc)
updated = sf.Lead.updated(now - datetime.timedelta(hours=1), now + datetime.timedelta(minutes=2))
assert made["id"] in updated["ids"], updated
sf.Lead.deleted(now - datetime.timedelta(hours=1), now + datetime.timedelta(minutes=2))
assert sf.limits()["DailyApiRequests"]["Max"]
try:
    sf.Lead.create({"Company": "x"})
    raise SystemExit("a lead without a name was made")
except SalesforceMalformedRequest as e:
    assert e.content[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
try:
    sf.Lead.get("00QSy0000000zzz")
    raise SystemExit("a lead that is not there was read")
except SalesforceResourceNotFound:
    pass
result = sf.bulk.Lead.insert([{"LastName": "B1", "Company": "C"}, {"Company": "C"}], batch_size=10000, use_serial=True)
assert [r["success"] for r in result] == [True, False], result
found = sf.bulk.Lead.query("SELECT Id, LastName FROM Lead WHERE LastName = 'B1'")
assert len(found) == 1, found
done = sf.bulk2.Lead.insert(records=[{"LastName": "B2", "Company": "C"}, {"LastName": "", "Company": "C"}])
assert done[0]["numberRecordsFailed"] == 1, done
assert "REQUIRED_FIELD_MISSING" in sf.bulk2.Lead.get_failed_records(done[0]["job_id"])
pages = list(sf.bulk2.Lead.query("SELECT Id, LastName FROM Lead WHERE LastName = 'B2'"))
assert "B2" in pages[0], pages
assert sf.Lead.delete(made["id"]) == 204
print("simple-salesforce: all fine")
