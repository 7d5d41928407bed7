"""junit.py FILE - the operations of a JUnit report as `ok - ...` lines; exit 1 if one failed."""
import sys
import xml.etree.ElementTree as tree

failed = 0
for case in tree.parse(sys.argv[1]).iter("testcase"):
    bad = case.find("failure") is not None or case.find("error") is not None
    failed += bad
    print(f"{'not ok' if bad else 'ok'} - {case.get('name')} keeps the contract")
sys.exit(failed > 0)
