"""A labeling campaign: what people have to hear, what they say, and what they agree on."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from monitoring.dashboards.parts import (
    THIRD,
    Section,
    board,
    choice,
    lines,
    mean,
    number,
    per_second,
    percentile,
    with_sections,
)

OF_GROUP = 'group=~"$group"'


def labeling() -> Dashboard:
    """The dashboard."""
    dashboard = board("escolta-labeling", "Labeling campaign", "What people have to hear, say and agree on.")
    dashboard = dashboard.with_variable(choice("group", "escolta_labelers"))
    return with_sections(dashboard, _now(), _people(), _agreement(), _page())


def _now() -> Section:
    return (
        "Now",
        [
            number("Open batches", "Batches that are not closed.", "short", "max(escolta_batches_open)"),
            number(
                "Age of the oldest",
                "How long ago the oldest open batch was proposed.",
                "s",
                "time() - max(escolta_batch_oldest_open_timestamp_seconds)",
            ),
            number(
                "To be settled",
                "Audios of open batches on which no group has finished.",
                "short",
                "max(escolta_labeling_unsettled_audios)",
            ),
            number(
                "Last answer",
                "How long ago somebody last labeled an audio of an open batch.",
                "s",
                "time() - max(escolta_batch_last_submission_timestamp_seconds)",
            ),
            number("Labelers", "People who may label.", "short", "sum(max by (group) (escolta_labelers))"),
            number(
                "Without work",
                "Labelers who have nothing to hear.",
                "short",
                "sum(max by (group) (escolta_labelers_without_work))",
            ),
        ],
    )


def _people() -> Section:
    submissions = f"sum by (group) (increase(escolta_labeling_submissions_total{{{OF_GROUP}}}[1h]))"
    doubts = f"sum by (group) (increase(escolta_labeling_doubts_total{{{OF_GROUP}}}[1h]))"
    return (
        "People",
        [
            lines(
                "Labeled in an hour",
                "Audios that people of each group have labeled within an hour; each person counts.",
                "short",
                [("{{group}}", submissions)],
                THIRD,
            ),
            lines(
                "Doubt",
                "Share of the answers that say Doubt, within an hour, by group.",
                "percentunit",
                [("{{group}}", f"{doubts} / {submissions}")],
                THIRD,
            ),
            lines(
                "To hear",
                "Audios that the labelers of each group still have to hear; each person's count.",
                "short",
                [("{{group}}", f"max by (group) (escolta_labeling_waiting_audios{{{OF_GROUP}}})")],
                THIRD,
            ),
        ],
    )


def _agreement() -> Section:
    all_settled = "sum(increase(escolta_labeling_agreements_total[1d]))"
    agreed = 'sum(increase(escolta_labeling_agreements_total{outcome="agreed"}[1d])) / ' + all_settled
    settled = "sum by (outcome) (increase(escolta_labeling_agreements_total[1h]))"
    return (
        "Agreement",
        [
            lines(
                "Settled in an hour",
                "Audios that a group has finished, with a class that two thirds agree on or with none.",
                "short",
                [("{{outcome}}", settled)],
                THIRD,
            ),
            lines(
                "Agreed of settled",
                "Share of the settled audios that got a class, within a day.",
                "percentunit",
                [
                    (
                        "agreed",
                        agreed,
                    )
                ],
                THIRD,
            ),
            lines(
                "How many agree",
                "Mean share of a group's labelers behind what was settled, within a day.",
                "percentunit",
                [
                    (
                        "share",
                        mean("escolta_labeling_agreement_ratio", "1d"),
                    )
                ],
                THIRD,
            ),
        ],
    )


def _page() -> Section:
    of_gateway = 'service="label-gateway"'
    answers = per_second("escolta_http_requests_total", "status", f'{of_gateway},status=~"4..|5.."')
    return (
        "The labeling page",
        [
            lines(
                "Seconds of an answer",
                "What 95 % of the answers take less than, by path.",
                "s",
                [("{{route}}", percentile(0.95, "escolta_http_request_seconds", "route", of_gateway))],
                THIRD,
            ),
            lines(
                "Refused and failed",
                "Answers a second of 400 and more. 401: signed out; 429: too many at once; 5xx: our errors.",
                "reqps",
                [("{{status}}", answers)],
                THIRD,
            ),
            lines(
                "Sign-ins",
                "Sign-ins within an hour, by whether they succeeded.",
                "short",
                [("{{outcome}}", "sum by (outcome) (increase(escolta_sign_ins_total[1h]))")],
                THIRD,
            ),
        ],
    )
