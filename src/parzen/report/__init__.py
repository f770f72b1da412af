"""One file about a study, for a colleague: question, answer, confidence, plots, table, failures, how to reproduce.

`_facts` gathers what there is to say as plain texts and numbers, `_page` makes HTML of it.  The file stands alone: pictures
are inline, nothing is loaded, nothing runs.
"""

from parzen.report._page import report_html, write_report

__all__ = ["report_html", "write_report"]
