"""What the pipeline stands on: pages, processes, disks and the backup."""

from monitoring.dashboards.parts import HALF, QUARTER, THIRD, Section, lines, per_second, percentile, rows

OF_SERVICE = 'service=~"$service"'


def pages() -> Section:
    """How fast services answer, and how often with an error."""
    failing = 'service=~"$service",status=~"5.."'
    return (
        "Pages",
        [
            lines(
                "Requests",
                "Requests a second, by service.",
                "reqps",
                [("{{service}}", per_second("escolta_http_requests_total", "service", OF_SERVICE))],
                THIRD,
            ),
            lines(
                "Errors of ours",
                "Requests a second that ended with 500 or more, by service and path.",
                "reqps",
                [
                    (
                        "{{service}} {{route}}",
                        per_second("escolta_http_requests_total", "service, route", failing),
                    )
                ],
                THIRD,
            ),
            lines(
                "Seconds of an answer",
                "What 95 % of the answers take less than, by service.",
                "s",
                [("{{service}}", percentile(0.95, "escolta_http_request_seconds", "service", OF_SERVICE))],
                THIRD,
            ),
        ],
    )


def processes() -> Section:
    """What the processes take, and what fails in them."""
    failed = f"sum by (component, task) (increase(escolta_job_failures_total{{{OF_SERVICE}}}[1h]))"
    cpu = per_second("process_cpu_seconds_total", "service", OF_SERVICE)
    return (
        "Processes",
        [
            lines(
                "Processor",
                "Seconds of processor a second, of all replicas of a service together.",
                "short",
                [("{{service}}", cpu)],
                THIRD,
            ),
            lines(
                "Memory",
                "Memory that each process holds.",
                "bytes",
                [("{{service}} {{instance}}", f"process_resident_memory_bytes{{{OF_SERVICE}}}")],
                THIRD,
            ),
            lines(
                "Event loop",
                "99 % of the timers are less late. Above a second, a process does what it should not.",
                "s",
                [("{{service}}", percentile(0.99, "escolta_event_loop_lag_seconds", "service", OF_SERVICE))],
                THIRD,
            ),
            lines(
                "Connections to the catalog",
                "Connections of the pools: in use, idle, and how many there may be.",
                "short",
                [
                    (
                        "{{service}} {{state}}",
                        'sum by (service, state) (escolta_catalog_pool_connections{service=~"$service"})',
                    )
                ],
            ),
            lines(
                "Jobs that failed",
                "Background jobs that failed in the last hour and are tried again, by service and job.",
                "short",
                [
                    (
                        "{{component}} {{task}}",
                        failed,
                    )
                ],
            ),
        ],
    )


def disks() -> Section:
    """How full disks are, and how old the backup."""
    age = "time() - max by (what) (escolta_backup_last_timestamp_seconds)"
    return (
        "Disks and backup",
        [
            rows(
                "Disks",
                "Free space of each disk, and in how many days it is full at the pace of the last day.",
                "disk",
                [
                    ("Free", "bytes", "escolta:disk_free_bytes"),
                    ("Size", "bytes", "escolta:disk_size_bytes"),
                    ("Free share", "percentunit", "escolta:disk_free_bytes / escolta:disk_size_bytes"),
                    (
                        "Days until full",
                        "short",
                        "escolta:disk_free_bytes / -(deriv(escolta:disk_free_bytes[1d]) < 0) / 86400",
                    ),
                ],
                HALF,
            ),
            lines(
                "Catalog",
                "Size of the database.",
                "bytes",
                [("catalog", "max(escolta_catalog_size_bytes)")],
                QUARTER,
            ),
            lines(
                "Age of the backup",
                "Time since each last succeeded.",
                "s",
                [("{{what}}", age)],
                QUARTER,
            ),
        ],
    )
