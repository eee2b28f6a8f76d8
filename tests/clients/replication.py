"""tap-salesforce and salesforce-bulk against the sandbox org. Reads the ready line from standard input.

Each is skipped with a word when it is not installed. The caller names the org's authority in
REQUESTS_CA_BUNDLE.
"""
import contextlib
import importlib.util
import io
import json
import logging
import sys

info = json.loads(sys.stdin.readline())


def tap():
    """Discovers all objects, then reads leads and accounts over REST and over Bulk 1."""
    from tap_salesforce import build_state, do_discover, do_sync
    from tap_salesforce.salesforce import Salesforce, bulk

    logging.disable(logging.INFO)
    bulk.BATCH_STATUS_POLLING_SLEEP = bulk.PK_CHUNKED_BATCH_STATUS_POLLING_SLEEP = 0.1
    counts = {}
    for kind in ("REST", "BULK"):
        sf = Salesforce(default_start_date="2000-01-01T00:00:00Z", api_type=kind, select_fields_by_default=True)
        sf.access_token, sf.instance_url = info["access_token"], info["instance_url"]
        found = io.StringIO()
        with contextlib.redirect_stdout(found):
            do_discover(sf)
        catalog = json.loads(found.getvalue())
        assert len(catalog["streams"]) > 10, "discovery"
        catalog["streams"] = [s for s in catalog["streams"] if s["stream"] in ("Account", "Lead", "Task")]
        for stream in catalog["streams"]:
            root = next(m for m in stream["metadata"] if m["breadcrumb"] in ([], ()))["metadata"]
            root.update({"selected": True, "replication-key": "SystemModstamp", "replication-method": "INCREMENTAL"})
        read = io.StringIO()
        with contextlib.redirect_stdout(read):
            do_sync(sf, catalog, build_state({}, catalog))
        messages = [json.loads(line) for line in read.getvalue().splitlines()]
        rows = [m for m in messages if m["type"] == "RECORD"]
        counts[kind] = sorted(r["stream"] + r["record"]["Id"] for r in rows)
        bookmark = messages[-1]["value"]["bookmarks"]["Lead"]["SystemModstamp"]
        # Beside its main way it can cut a query by ids.
        if kind == "BULK":
            lead = next(s for s in catalog["streams"] if s["stream"] == "Lead")
            parts = bulk.Bulk(sf)._bulk_query_with_pk_chunking(lead, "2000-01-01T00:00:00Z")
            assert parts["completed"] and not parts["failed"], parts
        assert bookmark > "2020", bookmark
    assert counts["REST"] == counts["BULK"] and len(counts["REST"]) > 300, {k: len(v) for k, v in counts.items()}
    print("tap-salesforce: all fine")


def heroku():
    """Saves and reads with XML control, CSV rows and JSON rows."""
    from salesforce_bulk import CsvDictsAdapter, SalesforceBulk
    from salesforce_bulk.util import IteratorBytesIO

    bulk = SalesforceBulk(sessionId=info["access_token"], host=info["instance_url"])
    job = bulk.create_insert_job("Lead", contentType="CSV")
    rows = CsvDictsAdapter(iter([{"LastName": "H1", "Company": "Heroku, \"x\"\nline"}, {"LastName": "", "Company": "H"}]))
    batch = bulk.post_batch(job, rows)
    bulk.wait_for_batch(job, batch, timeout=30, sleep_interval=0.1)
    done = bulk.get_batch_results(batch, job)
    bulk.close_job(job)
    assert [r.success for r in done] == ["true", "false"], done
    assert "REQUIRED_FIELD_MISSING" in done[1].error, done

    for form in ("JSON", "CSV"):
        job = bulk.create_query_job("Lead", contentType=form)
        batch = bulk.query(job, "SELECT Id, Company, CreatedDate FROM Lead WHERE LastName = 'H1'")
        bulk.close_job(job)
        bulk.wait_for_batch(job, batch, timeout=30, sleep_interval=0.1)
        for result in bulk.get_all_results_for_query_batch(batch, job):
            text = IteratorBytesIO(result).read().decode()
            assert "Heroku" in text, text
            if form == "JSON":
                row = json.loads(text)[0]
                assert row["CreatedDate"] > 10**12 and row["Company"].endswith("\nline"), row
    job = bulk.create_upsert_job("Lead", external_id_name=info["external_id_field"], contentType="CSV")
    bulk.abort_job(job)
    assert bulk.job_status(job)["state"] == "Aborted"
    print("salesforce-bulk: all fine")


for module, run in (("tap_salesforce", tap), ("salesforce_bulk", heroku)):
    if importlib.util.find_spec(module) is None:
        print(f"not run: {module} is not installed")
    else:
        run()
