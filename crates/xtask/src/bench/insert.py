"""The floor of a first sync: the rows that it left in a catalog, inserted into an empty one.

Same tables, same indexes, 500 rows of a table to a transaction, nothing else. Prints the CPU seconds.
"""
import sqlite3
import sys
import time

TABLES = ["product", "product_stats", "edge", "namespace"]
source = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
target = sqlite3.connect(sys.argv[2], isolation_level=None)
target.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
for table in TABLES:
    made = "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type DESC"
    for (sql,) in source.execute(made, [table]).fetchall():
        target.execute(sql)
spent = 0.0
for table in TABLES:
    rows = source.execute(f"SELECT * FROM {table}").fetchall()
    places = ", ".join("?" * len(rows[0])) if rows else ""
    begun = time.process_time()
    for start in range(0, len(rows), 500):
        target.execute("BEGIN IMMEDIATE")
        target.executemany(f"INSERT INTO {table} VALUES ({places})", rows[start : start + 500])
        target.execute("COMMIT")
    spent += time.process_time() - begun
print(spent)
