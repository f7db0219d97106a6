"""`escolta simulate`: what each strategy would have learned on a folder whose classes are known."""

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing, contextmanager
from itertools import product
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from threadpoolctl import threadpool_limits

from al_engine.campaigns import listens
from al_engine.campaigns import results as campaign_results
from al_engine.campaigns.campaign import Campaign, LabeledAudios
from al_engine.campaigns.inputs import given, heard
from al_engine.campaigns.people import Habits, Team
from al_engine.campaigns.results import Result
from al_engine.exact.memory import most_samples
from al_engine.method.strategies import STRATEGIES, find
from escolta.errors import Misconfigured
from escolta.listening.policies import POLICIES
from escolta.listening.policies import find as find_policy
from escolta.names import on_screen

INTERRUPTED = 130

Strategies = Annotated[str | None, typer.Option(help=f"some of {','.join(STRATEGIES)}; none named: all")]
Events = Annotated[
    Path | None, typer.Option(help="CSV with filename, category, onset_s, offset_s: a row for each sound")
]
People = Annotated[str, typer.Option(help="how many people are in each group that listens, such as 3,2")]
Errors = Annotated[float, typer.Option(min=0, max=1, help="how often an answer is wrong")]
Doubt = Annotated[float, typer.Option(min=0, max=1, help="how often an answer is Doubt")]
SharedErrors = Annotated[
    float, typer.Option(min=0, max=1, help="the part of errors that all who hear an audio make together")
]
PolicyName = Annotated[str, typer.Option("--policy", help=f"who hears an audio: {', '.join(POLICIES)}")]
Weights = Annotated[Path | None, typer.Option(envvar="ESCOLTA_CNN14_WEIGHTS", help="file of CNN14's weights")]


def simulate(
    truth: Annotated[Path, typer.Option(help="CSV with the columns filename, category and perhaps fold")],
    audio: Annotated[Path | None, typer.Option(help="folder with the recordings that the CSV names")] = None,
    embeddings: Annotated[
        Path | None, typer.Option(help="instead of --audio: .npy [audios, dim], in the order of the CSV")
    ] = None,
    events: Events = None,
    strategies: Strategies = None,
    seeds: Annotated[int, typer.Option(min=1, help="campaigns a strategy and fold, each with its own")] = 5,
    imbalance: Annotated[
        bool, typer.Option(help="keep a quarter of the audios of a third of the classes")
    ] = False,
    batch: Annotated[int, typer.Option(min=1, help="labels bought at once")] = 10,
    labels: Annotated[int, typer.Option(min=1, help="labels a campaign buys, unless there are fewer")] = 150,
    people: People = "1",
    errors: Errors = 0.0,
    doubt: Doubt = 0.0,
    shared_errors: SharedErrors = 0.0,
    policy: PolicyName = "group",
    json_file: Annotated[Path | None, typer.Option("--json", help="write a row a campaign and point")] = None,
    plot: Annotated[Path | None, typer.Option(help="draw the curves: a .png, .svg or .pdf")] = None,
    model: Annotated[str, typer.Option(envvar="ESCOLTA_MODEL", help="embedding model")] = "yamnet",
    cnn14_weights: Weights = None,
) -> None:
    """Run offline campaigns on recordings whose classes are known: which strategy learns fastest?

    Each campaign buys labels in batches; after each batch a classifier learns from them and is tested on a
    fold that was held out (without a column fold: on a random quarter of each class). With --events an audio
    may hold several classes: a label says the one that sounds longest, and the test is of all. Unless
    --people says otherwise, one person listens who never errs. Ctrl-C ends it, and what is done is reported.
    """
    if events and imbalance:
        raise Misconfigured("--imbalance goes by one class for each audio: leave it out, or --events")
    chosen = _chosen(strategies)
    find_policy(policy)
    team = Team.of(people, Habits(errors, doubt, shared_errors))
    if json_file:
        campaign_results.check_place("--json", json_file)
    if plot:
        campaign_results.check_place("--plot", plot)
        campaign_results.check_plot(plot)
    console = Console(stderr=True)
    audios = _audios(truth, events, audio, embeddings, model, cnn14_weights, console)
    campaigns = [
        Campaign(strategy, seed, fold, imbalance, batch, labels, team, policy)
        for seed, fold, strategy in product(range(seeds), audios.fold_numbers(), chosen)
    ]
    results, interrupted = _until_interrupted(audios, campaigns, console)
    order = {campaign: place for place, campaign in enumerate(campaigns)}
    results.sort(key=lambda result: (chosen.index(result.campaign.strategy), order[result.campaign]))
    _report(results, json_file, plot)
    if interrupted:
        sys.exit(INTERRUPTED)


def _until_interrupted(
    audios: LabeledAudios, campaigns: Sequence[Campaign], console: Console
) -> tuple[list[Result], bool]:
    """The results in the order in which they came, and whether Ctrl-C ended it before the last."""
    results: list[Result] = []
    try:
        # Closed in any case: an interruption between two results must end the workers too.
        with closing(run_all(audios, campaigns)) as coming, _progress(console) as bar:
            task = bar.add_task("campaigns", total=len(campaigns))
            for result in coming:
                results.append(result)
                bar.update(task, advance=1)
    except KeyboardInterrupt:
        console.print(f"Interrupted: {len(results)} of {len(campaigns)} campaigns are done.")
        return results, True
    return results, False


def run_all(audios: LabeledAudios, campaigns: Sequence[Campaign]) -> Generator[Result, None, None]:
    """Run campaigns, one a processor at a time; each comes when it is done. One thread each is fastest.

    Where it is interrupted or closed before the end, the campaigns under way are ended too.
    """
    context = _start_server()
    workers = min(len(os.sched_getaffinity(0)), len(campaigns))
    start = (audios, most_samples())
    with ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=start) as pool:
        try:
            with _held_back():  # a worker that is cut off while it starts would say so at length
                waiting = [pool.submit(_run, campaign) for campaign in campaigns]
            for future in as_completed(waiting):
                yield future.result()
        except BaseException:
            for worker in multiprocessing.active_children():
                worker.terminate()
            pool.shutdown(cancel_futures=True)
            raise


def _start_server() -> ForkServerContext:
    """Forks workers: not this process, whose model has threads, but one that has imported and no more.

    Ctrl-C reaches every process of a terminal, and this one decides: the others inherit that it is blocked.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with _held_back():
        resource_tracker.ensure_running()  # else started next, which would let SIGINT through again
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            forkserver.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    imported = context.Process()  # comes and goes when the imports are done, which may take seconds
    imported.start()
    imported.join()
    return context


@contextmanager
def _held_back() -> Iterator[None]:
    """A Ctrl-C that comes meanwhile takes effect at the end."""
    came = []
    before = signal.signal(signal.SIGINT, lambda *_: came.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


class _Worker:
    """What a worker process holds."""

    audios: LabeledAudios
    max_set: int


def _start_worker(audios: LabeledAudios, max_set: int) -> None:
    threadpool_limits(1)
    _Worker.audios, _Worker.max_set = audios, max_set


def _run(campaign: Campaign) -> Result:
    return Result(campaign, _Worker.audios.run(campaign, _Worker.max_set))


def _chosen(names: str | None) -> list[str]:
    chosen = list(STRATEGIES) if names is None else [name.strip() for name in names.split(",")]
    for name in chosen:
        find(name)
    return list(dict.fromkeys(chosen))


def _audios(
    truth: Path,
    events: Path | None,
    folder: Path | None,
    file: Path | None,
    model: str,
    weights: Path | None,
    console: Console,
) -> LabeledAudios:
    def tell(sentence: str) -> None:
        console.print(on_screen(sentence), markup=False, highlight=False, soft_wrap=True)

    if file and not folder:
        return given(truth, file, tell, events)
    if file or not folder:
        raise Misconfigured("give either --audio, a folder of recordings, or --embeddings, a .npy file")
    with _progress(console) as bar:
        task = bar.add_task("embeddings", total=None, visible=False)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        return heard(truth, folder, (model, weights), tell, show, events)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)


def _report(results: list[Result], json_file: Path | None, plot: Path | None) -> None:
    if not results:
        return
    console = Console()
    for score in campaign_results.scores_of(results):
        console.print(campaign_results.heading(results, score))
        console.print(campaign_results.table(results, score))
    if listens.of_people(results):
        console.print(listens.table(results))
    if json_file:
        lines = ",\n".join(json.dumps(row) for row in campaign_results.rows(results))
        json_file.write_text(f"[\n{lines}\n]\n", "utf-8")
    if plot:
        campaign_results.plot(results, plot)
