import statistics as plain

import pytest

from programs import statistics
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def running(function, x):
    return [function(x[: i + 1]) for i in range(len(x))]


def central_moment(x, power):
    centre = sum(x) / len(x)
    return sum((v - centre) ** power for v in x) / len(x)


def skewness(x):
    if len(set(x)) == 1:
        return 0
    return central_moment(x, 3) / central_moment(x, 2) ** 1.5


def excess_kurtosis(x):
    if len(set(x)) == 1:
        return 0
    return central_moment(x, 4) / central_moment(x, 2) ** 2 - 3


def covariance(points):
    xs, ys = zip(*points, strict=True)
    centre_x, centre_y = sum(xs) / len(xs), sum(ys) / len(ys)
    products = [(x - centre_x) * (y - centre_y) for x, y in points]
    return sum(products) / len(products)


def slope(points):
    xs, ys = zip(*points, strict=True)
    return plain.linear_regression(xs, ys).slope if len(set(xs)) > 1 else None


def beta_posterior_mean(x):
    return running(lambda flips: (sum(flips) + 1) / (len(flips) + 2), x)


def dirichlet_posterior_mean(x):
    return [
        tuple((seen.count(c) + 1) / (len(seen) + 3) for c in range(3))
        for seen in (x[: i + 1] for i in range(len(x)))
    ]


REFERENCES = {
    "variance": lambda x: [plain.pvariance(x)] * len(x),
    "running_variance": lambda x: running(plain.pvariance, x),
    "running_rms": lambda x: running(
        lambda p: (sum(v * v for v in p) / len(p)) ** 0.5, x
    ),
    "running_skewness": lambda x: running(skewness, x),
    "running_excess_kurtosis": lambda x: running(excess_kurtosis, x),
    "running_covariance": lambda x: running(covariance, x),
    "running_regression_slope": lambda x: running(slope, x),
    "median": lambda x: [plain.median(x)] * len(x),
    "running_median": lambda x: running(plain.median, x),
    "beta_posterior_mean": beta_posterior_mean,
    "dirichlet_posterior_mean": dirichlet_posterior_mean,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(statistics, name), REFERENCES[name]
    check_against_reference(program, reference)
    check_docstring(program, reference)


@pytest.mark.parametrize("name", ["running_skewness", "running_median"])
def test_a_vocabulary_may_have_one_token(name):
    built = getattr(statistics, name).build(vocab=(2,), max_len=3)
    assert oracle.evaluate(built, [2, 2]) == REFERENCES[name]([2, 2])


def test_running_median_works_for_a_vocabulary_in_any_order():
    built = statistics.running_median.build(vocab=(9, 1, 4), max_len=4)
    assert oracle.evaluate(built, [9, 1, 1, 4]) == [9, 5, 1, 2.5]
