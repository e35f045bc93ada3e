import json
import sys

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import Forbidden, NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

client = bigquery.Client(
    project="shop-1",
    credentials=AnonymousCredentials(),
    client_options=ClientOptions(api_endpoint=sys.argv[1]),
)
table = client.get_table("shop-1.sales.a")
try:
    client.get_table("shop-1.sales.none")
    missing = None
except NotFound:
    missing = "NotFound"
try:
    client.get_table("shop-1.sales.secret")
    refused = None
except Forbidden as error:
    refused = error.errors[0]["reason"]
config = bigquery.QueryJobConfig(maximum_bytes_billed=10 << 20)
sql = "SELECT table_name FROM `shop-1`.`sales`.INFORMATION_SCHEMA.TABLES ORDER BY table_name"
rows = client.query_and_wait(sql, job_config=config, location="EU", page_size=3)
queried = [row["table_name"] for row in rows]
cancelled = client.cancel_job("job-0", location="EU")
print(json.dumps({
    "datasets": [dataset.dataset_id for dataset in client.list_datasets()],
    "tables": [listed.table_id for listed in client.list_tables("shop-1.sales")],
    "table": {
        "rows": table.num_rows,
        "primary_key": table.table_constraints.primary_key.columns,
        "range": table.schema[1].range_element_type.element_type,
        "labels": table.labels,
        "modified": int(table.modified.timestamp()),
    },
    "view": client.get_table("shop-1.sales.v").view_query,
    "without_schema": client.get_table("shop-1.sales.bare").schema,
    "missing": missing,
    "refused": refused,
    "queried": queried,
    "cancelled": [cancelled.job_id, cancelled.state],
}))
