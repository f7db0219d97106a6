"""What dashboards are made of: panels with a description and a unit, and what can be chosen above them."""

from collections.abc import Sequence
from typing import TypeAlias

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.builders.common import (
    ReduceDataOptions,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable, Row
from grafana_foundation_sdk.builders.dashboard import DashboardLink as Link
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.common import (
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DashboardSpecialValueMapOptions,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    SpecialValueMap,
    SpecialValueMatch,
    ValueMappingResult,
    VariableOption,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

Queries = Sequence[tuple[str, str]]
"""Legend and query of each line."""
Panel: TypeAlias = timeseries.Panel | stat.Panel | table.Panel
Section = tuple[str, Sequence[Panel]]
"""A heading and what stands below it."""
Columns = Sequence[tuple[str, str, str]]
"""Name, unit and query of each column."""
SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
WHOLE, HALF, THIRD, QUARTER, SIXTH = 24, 12, 8, 6, 4
"""How wide a panel is, of 24."""


def board(uid: str, title: str, description: str) -> Dashboard:
    """An empty dashboard of the last six hours, with links to the others."""
    others = Link("Escolta").type(DashboardLinkType.DASHBOARDS).tags(["escolta"]).as_dropdown(True)
    return (
        Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["escolta"])
        .time("now-6h", "now")
        .refresh("30s")
        .timezone("browser")
        .readonly()
        .link(others.keep_time(True))
        .with_variable(DatasourceVariable("source").label("Prometheus").type("prometheus"))
    )


def choice(name: str, metric: str, label: str | None = None) -> QueryVariable:
    """What can be chosen above: the values of a label of a metric, one, several or all."""
    return (
        QueryVariable(name)
        .label((label or name).capitalize())
        .datasource(SOURCE)
        .query(f"label_values({metric}, {name})")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(text="All", value="$__all"))
    )


def with_sections(dashboard: Dashboard, *sections: Section) -> Dashboard:
    """The dashboard with these sections, one below the other."""
    for title, panels in sections:
        dashboard = dashboard.with_row(Row(title))
        for panel in panels:
            dashboard = dashboard.with_panel(panel)
    return dashboard


def lines(title: str, description: str, unit: str, queries: Queries, width: int = HALF) -> timeseries.Panel:
    """Lines over time."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .min(0)
        .fill_opacity(8)
        .datasource(SOURCE)
        .span(width)
        .height(8)
        .legend(
            VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    for place, (legend, query) in enumerate(queries):
        panel = panel.with_target(_query(query, place).legend_format(legend).range())
    return panel


def number(title: str, description: str, unit: str, query: str, width: int = SIXTH) -> stat.Panel:
    """One figure of now; `none` where there is none."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .mappings([_none()])
        .datasource(SOURCE)
        .span(width)
        .height(4)
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .with_target(_query(query, 0).instant())
    )


def rows(title: str, description: str, key: str, columns: Columns, width: int = WHOLE) -> table.Panel:
    """A table of now: a line for each value of the label `key`, a column for each query."""
    panel = table.Panel().title(title).description(description).datasource(SOURCE).span(width).height(8)
    panel = panel.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    panel = panel.override_by_name("Time", [DynamicConfigValue("custom.hidden", True)])
    panel = panel.override_by_name(key, [DynamicConfigValue("displayName", key.capitalize())])
    for place, (name, unit, query) in enumerate(columns):
        asked = _query(query, place).instant().format(PromQueryFormat.TABLE)
        shown = [DynamicConfigValue("displayName", name), DynamicConfigValue("unit", unit)]
        panel = panel.with_target(asked).override_by_name(f"Value #{_letter(place)}", shown)
    return panel


def percentile(share: float, histogram: str, by: str, only: str = "") -> str:
    """The query for what so large a share of a histogram's observations is below."""
    rate = f"rate({histogram}_bucket{{{only}}}[$__rate_interval])"
    return f"histogram_quantile({share}, sum by ({by}, le) ({rate}))"


def mean(histogram: str, within: str, by: str = "") -> str:
    """The query for the mean of what a histogram observed."""
    total, count = (f"sum by ({by}) (rate({histogram}_{part}[{within}]))" for part in ("sum", "count"))
    return f"{total} / {count}"


def per_second(counter: str, by: str, only: str = "") -> str:
    """The query for how fast a counter counts, in all replicas together."""
    return f"sum by ({by}) (rate({counter}{{{only}}}[$__rate_interval]))"


def _query(query: str, place: int) -> Dataquery:
    return Dataquery().expr(query).ref_id(_letter(place)).datasource(SOURCE)


def _letter(place: int) -> str:
    return chr(ord("A") + place)


def _none() -> SpecialValueMap:
    options = DashboardSpecialValueMapOptions(
        match=SpecialValueMatch.NULL, result=ValueMappingResult(text="none")
    )
    return SpecialValueMap(options=options)
