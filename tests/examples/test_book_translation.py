"""book_translation from its source to the text: compiled, imported, run by the engine; the model is a double behind the real client."""

import re

import pytest

from examples.doubles.server import Answer
from saltern_compiler.driver import Source, compile_loaded, write_tree
from saltern_compiler.driver.compile import check_loaded
from saltern_compiler.ir.canonical import digest
from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.spec.policy import Limits
from saltern_runtime.store.views import RunState
from tests.support.built import ROOT, importable

EXAMPLE = ROOT / "examples/book_translation/book_translation.saltern"
TEXT = "The sea was calm.\n\nNobody spoke.\n\n\n\n  Then the bell rang.  \n\nAll of them rose.\n\nIt was late."
STEPS = {"prepare": "glossary", "translate": "draft", "compare": "review", "last": "polished"}


def step_of(request):
    """Which of the four calls this is, by what the model is told to be."""
    return STEPS[re.search("|".join(STEPS), request.body["messages"][0]["content"]).group()]


def words_of(request):
    return request.body["messages"][-1]["content"]


class Model:
    """What the model was asked, and for which words of a step it refuses."""

    def __init__(self, double):
        self.double, self.refuses, self.given = double, set(), double.answer
        double.answer = self.answer

    def answer(self, request):
        if any(step_of(request) == step and words in words_of(request) for step, words in self.refuses):
            error = {"message": "This was flagged.", "type": "invalid_request_error", "code": "content_policy"}
            return Answer({"error": {**error, "param": None}}, 400)
        return self.given(request)

    def asked(self, step):
        return [words_of(request) for request in self.double.received if step_of(request) == step]


@pytest.fixture
def model(openai_double):
    return Model(openai_double)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The example as it stands."""
    folder = tmp_path_factory.mktemp("example") / "tree"
    result = compile_loaded(Source.load(str(EXAMPLE)))
    assert result.diagnostics == ()
    write_tree(result.artifacts, folder)
    return folder


@pytest.fixture
def run(tree, model, redis_url, service, monkeypatch):
    """Run it for a tenant of the test's own, since a cache is one tenant's."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")

    def run(text=TEXT, paragraphs=2, language="German"):
        given = {"text": text, "language": language}
        if paragraphs is not None:
            given["paragraphs"] = paragraphs
        started = process.service.start(given, tenant=service, trigger="api")
        return process.finish(started.run_id, 60)

    with (
        importable(tree, "book_translation") as load,
        in_one_process(load("graph").GRAPH, redis_url=redis_url) as process,
    ):
        yield run


def test_both_notations_are_the_same():
    """What a canvas saves has the digest of what a person writes."""
    results = [check_loaded(Source.load(str(EXAMPLE.with_suffix(kind)))) for kind in (".saltern", ".json")]
    assert [each.diagnostics for each in results] == [(), ()]
    written, drawn = (each.pipeline for each in results)
    assert digest(written) == digest(drawn)


def test_a_text_is_cut_translated_piece_by_piece_and_joined(run, model):
    """Five paragraphs are three pieces; each goes through four calls, and they stand in the order of the text again."""
    view = run()
    assert view.state is RunState.SUCCEEDED, view.failure
    assert (view.output["pieces"], view.output["failed"]) == (3, [])
    pieces = ["The sea was calm.\n\nNobody spoke.", "Then the bell rang.\n\nAll of them rose.", "It was late."]
    asked = model.asked("glossary")
    assert sorted(asked) == sorted(
        f"Names and terms of this passage, each with its translation to German.\n{each}" for each in pieces
    )
    assert [len(model.asked(step)) for step in STEPS.values()] == [3, 3, 3, 3]
    places = [view.output["text"].index(words) for words in ("The sea", "Then the bell", "It was late")]
    assert places == sorted(places)
    assert "[[" not in view.output["text"]


def test_each_call_reads_what_the_one_before_gave(run, model):
    """The glossary goes into the draft, the draft into the review, the review and the draft into the last call."""
    run(text="One piece.")
    ([draft], [review], [polished]) = (model.asked(step) for step in ("draft", "review", "polished"))
    assert draft.startswith("These terms are translated so: Names and terms of this passage")
    assert draft.endswith("\nOne piece.")
    assert review.startswith("Original: One piece.\nTranslation: These terms are translated so:")
    assert polished.startswith("Mend these faults: Original: One piece.")
    assert "These terms are translated so:" in polished


@pytest.mark.parametrize("step", ["glossary", "draft", "review"])
def test_a_piece_that_fails_stays_as_it_was_written(run, model, step):
    """Whichever call fails: the other pieces are translated, and the output marks the piece and says why."""
    model.refuses.add((step, "bell"))
    view = run()
    assert view.state is RunState.SUCCEEDED, view.failure
    assert "[[Then the bell rang.\n\nAll of them rose.]]" in view.output["text"]
    (failed,) = view.output["failed"]
    assert (failed["piece"], view.output["pieces"]) == (1, 3)
    assert "This was flagged." in failed["why"]
    assert len(model.asked("polished")) == 2


def test_what_is_sent_again_asks_no_glossary_of_what_is_the_same(run, model):
    """A second run with one changed piece asks for that piece's glossary alone; another language is another question."""
    run()
    assert len(model.asked("glossary")) == 3
    again = run(text=TEXT.replace("late", "early"))
    assert {node.id: node.cached for node in again.nodes}["glossary"] == 2
    assert [words.rpartition("\n")[2] for words in model.asked("glossary")[3:]] == ["It was early."]
    assert len(model.asked("draft")) == 6
    run(language="French")
    assert len(model.asked("glossary")) == 7


def test_a_text_of_which_nothing_is_translated_is_a_failure(run, model):
    """A model that takes nothing at all fails the run, with the number of pieces."""
    model.refuses.add(("glossary", ""))
    view = run()
    assert view.state is RunState.FAILED
    assert view.failure.message == "None of 3 pieces was translated."


def test_an_empty_text_asks_nothing_and_fails(run, model):
    """Where there is no paragraph, no model is asked."""
    view = run(text="\n\n  \n\n")
    assert (view.state, view.failure.message) == (RunState.FAILED, "None of 0 pieces was translated.")
    assert model.double.received == []


@pytest.mark.parametrize(("paragraphs", "pieces"), [(None, 2), (0, 2), (1, 9), (100, 1)])
def test_the_length_of_a_piece_is_the_callers_within_reason(run, paragraphs, pieces):
    """Eight paragraphs are one piece where nothing, or nothing useful, is said."""
    view = run(text="\n\n".join(f"Paragraph {n}." for n in range(9)), paragraphs=paragraphs)
    assert view.output["pieces"] == pieces


def test_every_call_counts_toward_the_limits_of_the_model(tree):
    """All four stages of a piece stand in the line of the connection, with the numbers of the pipeline."""
    with importable(tree, "book_translation") as load:
        graph = load("graph").GRAPH
        assert graph.connections["model"].limits == Limits(per_second=20, concurrency=6)
        assert {name for name, node in graph.nodes.items() if node.connection == "model"} == set(STEPS.values())
