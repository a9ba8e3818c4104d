"""The report over a warehouse that nothing has reached yet."""

from local.report.charts import charts
from local.report.figures import gather
from local.report.page import render
from tests.support.dataset import Dataset


def test_an_empty_warehouse_makes_a_page_that_says_so(everything_of_sql: Dataset) -> None:
    empty = everything_of_sql.fill()
    figures = gather(empty.client, empty.name, show_text=True)
    drawn = charts(figures)
    assert set(drawn.values()) == {None}
    page = render(figures)
    assert page.count("Nothing in this period.") == len(drawn) + 2
    assert "no completed run yet" in page
