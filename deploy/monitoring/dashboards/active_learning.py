"""Active learning: iterations, how long they take, what they choose from, and whether labels still teach."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from monitoring.dashboards.parts import THIRD, Section, board, choice, lines, mean, number, with_sections


def active_learning() -> Dashboard:
    """The dashboard."""
    dashboard = board(
        "escolta-active-learning", "Active learning", "Iterations, and whether labels still teach."
    )
    dashboard = dashboard.with_variable(choice("model_id", "escolta_embedder_embedded_audios", "model"))
    return with_sections(dashboard, _now(), _iterations(), _learning())


def _now() -> Section:
    rows_of = 'max(escolta_iterations{{status="{}"}})'
    return (
        "Now",
        [
            number(
                "Iteration", "Number of the last that proposed.", "short", "max(escolta_iteration_number)"
            ),
            number(
                "Proposed",
                "How long ago the last batch was proposed.",
                "s",
                "time() - max(escolta_iteration_proposed_timestamp_seconds)",
            ),
            number(
                "Asked for", "Iterations that wait to be run, or run.", "short", rows_of.format("requested")
            ),
            number("Failed", "Iterations that failed, ever.", "short", rows_of.format("failed")),
            number(
                "Medoids",
                "Audios with an agreed class that the last iteration stood on.",
                "short",
                "max(escolta_iteration_medoids)",
            ),
            number(
                "Chosen from",
                "Audios that the last iteration chose from.",
                "short",
                "max(escolta_iteration_unlabeled_audios)",
            ),
        ],
    )


def _iterations() -> Section:
    return (
        "Iterations",
        [
            lines(
                "By status",
                "Iterations by where they stand.",
                "short",
                [("{{status}}", "max by (status) (escolta_iterations)")],
                THIRD,
            ),
            lines(
                "Ended in a day",
                "Iterations that ended within a day, by what came of them.",
                "short",
                [("{{outcome}}", "sum by (outcome) (increase(escolta_iterations_ended_total[1d]))")],
                THIRD,
            ),
            lines(
                "Seconds of a stage",
                "Mean seconds of an iteration within a day, by stage.",
                "s",
                [("{{stage}}", mean("escolta_iteration_stage_seconds", "1d", "stage"))],
                THIRD,
            ),
        ],
    )


def _learning() -> Section:
    embedded = 'max by (model_id) (escolta_embedder_embedded_audios{model_id=~"$model_id"})'
    return (
        "What labels teach",
        [
            lines(
                "Embedded",
                "Audios that have an embedding, by model.",
                "short",
                [("{{model_id}}", embedded)],
                THIRD,
            ),
            lines(
                "Medoids and unlabeled",
                "What the last iteration stood on and chose from.",
                "short",
                [
                    ("medoids", "max(escolta_iteration_medoids)"),
                    ("chosen from", "max(escolta_iteration_unlabeled_audios)"),
                ],
                THIRD,
            ),
            lines(
                "Stopping panel",
                "Of the last iteration: the shares labeled, differed on by the committee, and predicted anew."
                " While the last two stay low, further labels teach little.",
                "percentunit",
                [
                    ("labeled", "max(escolta_iteration_labeled_ratio)"),
                    ("mismatched", "max(escolta_iteration_mismatched_ratio)"),
                    ("changed", "max(escolta_iteration_changed_ratio)"),
                ],
                THIRD,
            ),
        ],
    )
