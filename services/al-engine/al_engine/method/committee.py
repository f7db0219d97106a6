"""The committee of two that decides which samples are mismatched (Zhao, Heittola & Virtanen 2020).

One member propagates: a sample takes the class of its nearest medoid. The other is a multinomial
logistic regression on the medoids' embeddings. Where they differ, a label teaches most.

What was heard without an agreed class is a class of its own to both (ours, docs/decisions), for nothing but
to say where they differ: a sample that both count to it is left to the end. No answer has its name.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from al_engine.exact.distances import KnownNearest, nearest
from al_engine.exact.parallel import for_each
from al_engine.exact.regression import fit
from al_engine.exact.vectors import UnitVectors, blocks, half_squares, joined, mean, unit_vectors

Classes = NDArray[np.str_]

TO_PREDICT = 100.0
"""scikit-learn's C, for embeddings scaled as `Classifier` does. On ESC-10 (1024-d YAMNet embeddings) 10
loses 0.01 to 0.02 of macro-F1 and 1,000 wins less than 0.01."""
TO_DISAGREE = 1.0
"""The C of the committee's member. One that follows every medoid says what the nearest medoid says: with
C = 100 mismatched audios run out within a batch, and the traversal goes on among matched outliers.
A smooth one differs from its neighbor where a class is not yet understood. Labels for macro-F1 0.95 when
mismatches come from C = 100, 10, 1, 0.1: 90, 90, 50, 50, and 100 at random, on the folds on which it was
chosen (docs/strategies.md)."""
BLOCK_ROWS = 512


class Prediction(NamedTuple):
    """`classes [samples]` and float64 `probabilities [samples]` of those classes."""

    classes: Classes
    probabilities: NDArray[np.float64]


class Unresolved(NamedTuple):
    """How near each of `[samples]` is to what was heard without an agreed class.

    `nearest`: the row of the nearest such audio, at float32 `distance`. `probability`: float64, that a sample
    is such a one.
    """

    nearest: NDArray[np.intp]
    distance: NDArray[np.float32]
    probability: NDArray[np.float64]


class Opinion(NamedTuple):
    """What the committee says of each of `[samples]`.

    `prediction`, of the agreed classes alone, is None where there is but one. `unresolved` is None where all
    that was heard has a class.
    """

    nearest_medoid: NDArray[np.intp]
    medoid_distance: NDArray[np.float32]
    propagated: Classes
    prediction: Prediction | None
    mismatched: NDArray[np.bool_]
    unresolved: Unresolved | None = None


class Committee:
    """Fitted to the medoids once; judges one disjoint set after another."""

    def __init__(
        self, medoids: UnitVectors, medoid_classes: Classes, unresolved: UnitVectors | None = None
    ) -> None:
        self.medoids = medoids
        self.medoid_classes = medoid_classes
        self.unresolved = unresolved if unresolved is not None and len(unresolved) else None
        self._several = len(np.unique(medoid_classes)) > 1
        self.classifier = (
            Classifier(medoids, medoid_classes, TO_DISAGREE, self.unresolved)
            if self._several or self.unresolved
            else None
        )

    def judge(self, samples: UnitVectors, known: KnownNearest | None = None) -> Opinion:
        """Both members' classes of the samples, and where they differ.

        `known`: what is known already of the samples' nearest medoids.

        With one class only among the medoids, and nothing unresolved, there is no classifier and every sample
        is matched.
        """
        index, distance = nearest(samples, self.medoids, known)
        propagated = self.medoid_classes[index]
        if self.classifier is None:
            return Opinion(index, distance, propagated, None, np.zeros(len(samples), bool))
        prediction, probability = self.classifier.predict_with_unresolved(samples)
        mismatched = prediction.classes != propagated
        unresolved = None
        if self.unresolved is not None:
            unresolved = Unresolved(*nearest(samples, self.unresolved), probability)
            propagated_so = unresolved.distance < distance  # where equally near, the medoid has an answer
            predicted_so = probability > prediction.probabilities
            mismatched = np.where(propagated_so | predicted_so, propagated_so != predicted_so, mismatched)
        said = prediction if self._several else None
        return Opinion(index, distance, propagated, said, mismatched, unresolved)


class Classifier:
    """Multinomial logistic regression on unit vectors, for two classes or more (ours in detail).

    `unresolved`, if given, is one class more, which is never predicted: it takes of the others' probability.

    scikit-learn's C assumes coordinates with a spread of about 1. Those of a unit vector are some
    1/sqrt(dim), and all embeddings of a model may lie in a narrow cone: with the default C the penalty
    outweighs a few dozen labels. Scaling every coordinate by itself does not help: among few medoids most
    of a sparse embedding's coordinates are nearly constant, and their noise is blown up to count as much
    as the rest. So the embeddings are centered and divided by one number, their root mean square distance
    from the center: the geometry of cosine distance stays, and C means the same for every model. Classes
    weigh the same, since their shares among the medoids tell what was proposed and not what sounds.
    Macro-F1 on ESC-10 after 20 and 80 random labels: C = 1 on unit vectors .37 and .83, coordinates scaled
    one by one .67 and .89, this .75 and .94.
    """

    def __init__(
        self,
        medoids: UnitVectors,
        medoid_classes: Classes,
        inverse_regularization: float = TO_PREDICT,
        unresolved: UnitVectors | None = None,
    ) -> None:
        self._classes, classes = np.unique(medoid_classes, return_inverse=True)
        learned = medoids
        if unresolved is not None and len(unresolved):
            learned = joined([medoids, unresolved])
            classes = np.append(classes, np.full(len(unresolved), len(self._classes)))
        center = mean(learned)
        rows = np.empty((len(learned), learned.dim), np.float32)
        square = 0.0
        for block in blocks(len(learned), BLOCK_ROWS):
            centered = learned.exact(block) - center
            square += 2 * float(half_squares(centered).sum())
            rows[block] = centered
        spread = np.sqrt(square / len(learned)) or 1.0  # 0: identical embeddings of different classes
        rows /= np.float32(spread)
        coefficients, intercepts = fit(rows, classes, inverse_regularization)
        self._coefficients = _on_grid(coefficients / spread)
        self._intercepts = intercepts - center @ self._coefficients

    def predict(self, samples: UnitVectors) -> Prediction:
        """The most probable class of each sample and its probability."""
        return self.predict_with_unresolved(samples)[0]

    def predict_with_unresolved(self, samples: UnitVectors) -> tuple[Prediction, NDArray[np.float64]]:
        """The same, and how probable it is that a sample is unresolved, float64 `[samples]`."""
        best = np.empty(len(samples), np.intp)
        probabilities, unresolved = np.empty(len(samples)), np.empty(len(samples))
        count = len(self._classes)

        def fill(block: slice) -> None:
            of_classes = self._probabilities(samples, block)
            best[block] = of_classes[:, :count].argmax(axis=1)
            probabilities[block] = of_classes[:, :count].max(axis=1)
            unresolved[block] = of_classes[:, count:].sum(axis=1)

        for_each(fill, blocks(len(samples), BLOCK_ROWS))
        return Prediction(self._classes[best], probabilities), unresolved

    def of_classes(self, samples: UnitVectors) -> tuple[Classes, NDArray[np.float64]]:
        """The agreed classes, in alphabetical order, and the probability of each, `[samples, classes]`."""
        probabilities = np.empty((len(samples), len(self._classes)))

        def fill(block: slice) -> None:
            probabilities[block] = self._probabilities(samples, block)[:, : len(self._classes)]

        for_each(fill, blocks(len(samples), BLOCK_ROWS))
        return self._classes, probabilities

    def likeliest(self, samples: UnitVectors, count: int) -> Classes:
        """The most probable classes of each sample, the most probable first, `[samples, up to count]`.

        Of equally probable ones that comes first whose name does.
        """
        classes, probabilities = self.of_classes(samples)
        places = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
        return classes[places]

    def margins(self, samples: UnitVectors) -> NDArray[np.float64]:
        """How much more probable than the second the most probable class is, float64 `[samples]`."""
        margins = np.empty(len(samples))

        def fill(block: slice) -> None:
            second, first = np.partition(self._probabilities(samples, block), -2, axis=1)[:, -2:].T
            margins[block] = first - second

        for_each(fill, blocks(len(samples), BLOCK_ROWS))
        return margins

    def _probabilities(self, samples: UnitVectors, block: slice) -> NDArray[np.float64]:
        """Of each class, `[block, classes]`; a sample's do not depend on the block it stands in."""
        odds = samples.exact(block) @ self._coefficients + self._intercepts
        odds -= odds.max(axis=1, keepdims=True)
        np.exp(odds, out=odds)
        odds /= odds.sum(axis=1, keepdims=True)
        return odds


def _on_grid(coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rounded to 28 bits of the longest column, so that float64 computes log odds without rounding.

    A product with a coordinate is then a multiple of step * 2^-24, and a sum of them, of whatever order,
    at most 2^28 step: the same in any block, and on any machine.
    """
    longest = float(np.sqrt(2 * half_squares(coefficients.T).max()))
    if longest == 0:
        return coefficients
    step = 2.0 ** (np.ceil(np.log2(longest)) - 28)
    return np.asarray(np.rint(coefficients / step) * step)


def predict(
    medoid_embeddings: NDArray[np.floating],
    medoid_classes: ArrayLike,
    embeddings: NDArray[np.floating],
) -> Prediction:
    """What a classifier that follows these medoids closely says of other embeddings.

    `medoid_embeddings [medoids, dim]`, at least one; `medoid_classes [medoids]`; `embeddings
    [samples, dim]`, of any length, scaled here. With one class only every sample is of that class.
    """
    classes = np.asarray(medoid_classes, np.str_)
    if len(classes) == 0:
        raise ValueError("a classifier needs at least one medoid")
    if len(np.unique(classes)) == 1:
        return Prediction(np.repeat(classes[:1], len(embeddings)), np.ones(len(embeddings)))
    return Classifier(unit_vectors(medoid_embeddings), classes).predict(unit_vectors(embeddings))


def predict_classes(
    medoid_embeddings: NDArray[np.floating],
    medoid_classes: ArrayLike,
    embeddings: NDArray[np.floating],
) -> tuple[Classes, NDArray[np.float64]]:
    """The same classifier's classes, and the probability of each of them, `[samples, classes]`."""
    classes = np.asarray(medoid_classes, np.str_)
    if len(np.unique(classes)) == 1:
        return classes[:1], np.ones((len(embeddings), 1))
    return Classifier(unit_vectors(medoid_embeddings), classes).of_classes(unit_vectors(embeddings))


def likeliest(
    medoid_embeddings: NDArray[np.floating],
    medoid_classes: ArrayLike,
    unresolved_embeddings: NDArray[np.floating],
    embeddings: NDArray[np.floating],
    count: int,
) -> Classes | None:
    """The `count` classes that the classifier that predicts finds likeliest, `[samples, up to count]`.

    Shapes as of `predict`; `unresolved_embeddings [unresolved, dim]`, of which there may be none. None while
    the medoids have fewer than two classes: there is nothing to choose between.
    """
    classes = np.asarray(medoid_classes, np.str_)
    if len(np.unique(classes)) < 2:
        return None
    unresolved = unit_vectors(unresolved_embeddings)
    classifier = Classifier(unit_vectors(medoid_embeddings), classes, unresolved=unresolved)
    return classifier.likeliest(unit_vectors(embeddings), count)
