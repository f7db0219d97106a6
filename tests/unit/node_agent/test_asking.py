"""Of which audios ingest is told, and when, in simulated time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from node_agent.asking import LONGEST, WINDOW, Asking

NOW = datetime(2024, 5, 1, 10, tzinfo=UTC)


class Shore:
    """Asks every 15 s, and answers as `answer` says; it counts what was told."""

    def __init__(self, audios: int) -> None:
        self.asking = Asking(seed=0)
        self.now = NOW
        self.told: list[UUID] = []
        self.done: set[UUID] = set()
        for number in range(audios):
            self.add(number)

    def add(self, number: int) -> None:
        self.asking.add(UUID(int=number))

    def wait(self, answer: Callable[[UUID], None], **duration: float) -> None:
        until = self.now + timedelta(**duration)
        while self.now < until:
            while due := list(self.asking.due(self.now)):
                self.told += due
                for audio_id in due:
                    answer(audio_id)
            self.now += timedelta(seconds=15)

    def accept(self, audio_id: UUID) -> None:
        self.done.add(audio_id)
        self.asking.settled(audio_id, self.now)

    def hold(self, audio_id: UUID) -> None:
        self.asking.held(audio_id, "unknown_node", self.now)


def nothing(_: UUID) -> None: ...


def test_a_few_audios_are_told_of_ahead_the_oldest_first() -> None:
    shore = Shore(100)
    assert [audio_id.int for audio_id in shore.asking.due(NOW)] == list(range(WINDOW))
    assert list(shore.asking.due(NOW)) == []
    shore.accept(UUID(int=3))
    assert list(shore.asking.due(NOW)) == [UUID(int=WINDOW)]


def test_without_any_answer_only_the_oldest_is_told_again_and_ever_more_seldom() -> None:
    shore = Shore(100)
    shore.wait(nothing, hours=24)
    again = shore.told[WINDOW:]
    assert set(again) == {UUID(int=0)}
    hours_apart = LONGEST / timedelta(hours=1)
    assert 6 + 16 / hours_apart < len(again) < 6 + 24 / hours_apart


def test_after_an_outage_all_get_through_with_hardly_a_message_more() -> None:
    shore = Shore(300)
    shore.wait(nothing, hours=1)
    shore.wait(shore.accept, hours=2)
    assert len(shore.done) == 300
    assert len(shore.told) < 300 + WINDOW + 10


def test_what_alone_has_no_answer_is_told_again_after_a_minute() -> None:
    shore = Shore(2)
    lost = UUID(int=1)

    def answer(audio_id: UUID) -> None:
        if audio_id != lost or shore.told.count(lost) > 1:
            shore.accept(audio_id)

    shore.wait(answer, seconds=60)
    assert shore.told.count(lost) == 1
    shore.add(2)
    shore.wait(answer, seconds=60)
    assert lost in shore.done


def test_two_nodes_do_not_ask_at_the_same_moments() -> None:
    moments = set()
    for seed in range(20):
        asking = Asking(seed)
        asking.add(UUID(int=0))
        list(asking.due(NOW))
        moments.add(
            next(second for second in range(3600) if list(asking.due(NOW + timedelta(seconds=second))))
        )
    assert min(moments) >= 60
    assert max(moments) <= 75
    assert len(moments) > 5


def test_while_a_node_is_held_one_audio_asks_for_all_and_then_all_go_through() -> None:
    shore = Shore(60)
    shore.wait(shore.hold, hours=2)
    assert len(shore.told) < WINDOW + 20
    shore.told.clear()
    shore.wait(shore.accept, minutes=13)
    assert len(shore.done) == 60
    assert len(shore.told) == 60


def test_audios_that_one_by_one_need_be_held_no_more_are_told_of_about_twice() -> None:
    """The clock was an hour ahead: each audio's time comes ten seconds after the one before it."""
    shore = Shore(360)

    def answer(audio_id: UUID) -> None:
        if NOW + timedelta(hours=1, seconds=10 * audio_id.int) <= shore.now:
            shore.accept(audio_id)
        else:
            shore.asking.held(audio_id, "clock", shore.now)

    shore.wait(answer, hours=3)
    assert len(shore.done) == 360
    assert len(shore.told) < 3 * 360


def test_a_hold_by_the_clock_keeps_no_other_audio() -> None:
    shore = Shore(40)

    def answer(audio_id: UUID) -> None:
        if audio_id.int % 2:
            shore.asking.held(audio_id, "clock", shore.now)
        else:
            shore.accept(audio_id)

    shore.wait(answer, seconds=15)
    assert {audio_id.int for audio_id in shore.done} == set(range(0, 40, 2))


def test_what_could_not_be_uploaded_is_asked_for_again_by_one_until_one_gets_through() -> None:
    shore = Shore(300)

    def fail(audio_id: UUID) -> None:
        assert shore.asking.granted(audio_id, shore.now)
        shore.asking.failed(audio_id, shore.now)

    def succeed(audio_id: UUID) -> None:
        if shore.told.count(audio_id) > 1 and audio_id in uploaded:
            shore.accept(audio_id)
        elif shore.asking.granted(audio_id, shore.now):
            uploaded.add(audio_id)
            shore.asking.uploaded(audio_id, shore.now)

    uploaded: set[UUID] = set()
    shore.wait(fail, hours=1)
    assert len(shore.told) < WINDOW + 10
    shore.wait(succeed, hours=2)
    assert len(shore.done) == len(uploaded) == 300
    assert len(shore.told) < 2 * 300 + 2 * WINDOW + 10


def test_no_more_leave_is_asked_for_than_can_be_used_in_time() -> None:
    shore = Shore(100)

    def grant(audio_id: UUID) -> None:
        shore.asking.granted(audio_id, shore.now)

    shore.wait(grant, minutes=1)
    for number in range(8):
        shore.asking.uploaded(UUID(int=number), shore.now)
        shore.asking.settled(UUID(int=number), shore.now)
    assert list(shore.asking.due(shore.now)) == []
    shore.accept(UUID(int=8))
    assert len(list(shore.asking.due(shore.now))) == 1


def test_what_was_not_told_after_all_is_told_first() -> None:
    shore = Shore(3)
    first, *others = shore.asking.due(NOW)
    shore.asking.back(first)
    assert others == [UUID(int=1), UUID(int=2)]
    assert list(shore.asking.due(NOW)) == [first]


def test_leave_that_is_given_twice_is_used_once_but_for_what_the_store_has_lost() -> None:
    shore, audio_id = Shore(1), UUID(int=0)
    assert list(shore.asking.due(NOW)) == [audio_id]
    assert shore.asking.granted(audio_id, NOW)
    assert not shore.asking.granted(audio_id, NOW)
    shore.asking.uploaded(audio_id, NOW)
    assert list(shore.asking.due(NOW)) == [audio_id]
    assert not shore.asking.granted(audio_id, NOW)
    later = NOW + timedelta(seconds=90)
    assert list(shore.asking.due(later)) == [audio_id]
    assert shore.asking.granted(audio_id, later)
