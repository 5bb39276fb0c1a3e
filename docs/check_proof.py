"""Check the proof in a certificate, from the files of a model alone; needs only NumPy.

    python check_proof.py FOLDER CERTIFICATE

FOLDER holds config.json, circuit.json and model.safetensors of a release or of a saved
model with GELU. CERTIFICATE is what `zoo audit FOLDER --prove --out CERTIFICATE` wrote.
This file shares no code with circuitzoo. It computes again what the certificate says of
edges under `edges_without_cells`, and exits with status 1 if less can be shown. Here an
output is certified if no donor changes it; in the certificate it also has to be right.
"""

import itertools
import json
import math
import sys
from pathlib import Path

import numpy as np

TOLERANCE = 1e-3  # share by which a claim may be off: axes differ in the last digits
SLACK, GRID = 0.9e-3, np.arange(-6, 6 + 1 / 64, 1 / 64)  # for rounding; for erf
ERF, PEAK = np.array([math.erf(x) for x in GRID]), 2 / math.pi**0.5 * np.exp(-(GRID**2))


def erf(x):  # Taylor's series about the nearest point of a grid: off by at most 1e-11
    x = np.clip(x, -6, 6)
    at = np.rint((x + 6) * 64).astype(int)
    g, d = GRID[at], x - GRID[at]
    tail = (
        (2 * g * g - 1) / 3
        + d / 6 * (3 * g - 2 * g**3)
        + d * d / 30 * (4 * g**4 - 12 * g * g + 3)
    )
    return ERF[at] + PEAK[at] * d * (1 - d * g + d * d * tail)


def read(path):  # a safetensors file: length of the header, header, arrays
    data = Path(path).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(
            data[start:], "<f4", math.prod(e["shape"]), e["data_offsets"][0]
        )
        .reshape(e["shape"])
        .astype(np.float64)
        for name, e in header.items()
    }


def gelu(x):
    return 0.5 * x * (1 + erf(x * 0.5**0.5))


def lines(low, high):  # (slope, least, most) of GELU less slope * z: chord and GELU''
    def bell(z):
        return np.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    width, mid, narrow = high - low, (low + high) / 2, high - low < 1e-6
    tangent = 0.5 * (1 + erf(mid * 0.5**0.5)) + mid * bell(mid)
    chord = (gelu(high) - gelu(low)) / np.where(narrow, 1, width)
    slope = np.where(narrow, tangent, chord)
    near, far = np.maximum(0, np.maximum(low, -high)), np.maximum(-low, high)
    up = np.maximum(bell(near) * (2 - near**2), 0)
    down = np.where(far > 2, -0.107982, np.minimum(bell(far) * (2 - far**2), 0))
    start, room = gelu(low) - slope * low, width**2 / 8
    return (
        slope,
        start - up * room - narrow * 1e-12,
        start - down * room + narrow * 1e-12,
    )


# A zonotope (centre, {key: (radius, matrix)}) holds centre + sum of u @ matrix with
# |u| <= radius. Parts of one key, seen by several readers, have the same u.
def through(z, W, b=0):
    return z[0] @ W + b, {k: (r, M @ W) for k, (r, M) in z[1].items()}


def plus(*some):
    parts = {}
    for k, (r, M) in itertools.chain(*(z[1].items() for z in some)):
        parts[k] = r, parts[k][1] + M if k in parts else M
    return sum(z[0] for z in some), parts


def dot(r, A):
    return r @ A if A.ndim == 2 else (r[..., None, :] @ A)[..., 0, :]


def widths(z):
    return sum((dot(r, abs(M)) for r, M in z[1].values()), np.zeros_like(z[0]))


def softmax(s):
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def mlp(layer, seen, out):
    at = f"blocks.{layer}.mlp"
    z = through(seen, T[f"{at}.W_in"], T[f"{at}.b_in"])
    if not z[1]:
        return gelu(z[0]) @ out, {}
    slope, low, high = lines(z[0] - widths(z), z[0] + widths(z))
    parts = {k: (r, M @ (slope[..., None] * out)) for k, (r, M) in z[1].items()}
    parts[at] = (high - low) / 2, out
    return (slope * z[0] + (low + high) / 2) @ out, parts


def attention(layer, head, seen, allowed):
    at = f"blocks.{layer}.attn"
    q, k, v = (
        through(z, T[f"{at}.W_{n}"][head], T[f"{at}.b_{n}"][head])
        for z, n in zip(seen, "QKV", strict=True)
    )
    W_O, root = T[f"{at}.W_O"][head], C["d_head"] ** 0.5
    scores = np.where(allowed, q[0] @ k[0].swapaxes(1, 2) / root, -np.inf)
    A = softmax(scores)
    if not q[1] and not k[1]:  # the pattern stays: what is written is linear in v
        boxed = {
            n: (dot(r, abs(M)), np.eye(M.shape[-1])) if M.ndim > 2 else (r, M)
            for n, (r, M) in v[1].items()
        }
        return A @ v[0] @ W_O, {
            (at, head, n): (A @ r, M @ W_O) for n, (r, M) in boxed.items()
        }
    spread, relative = (
        widths(q) @ widths(k).swapaxes(1, 2),
        k[0][:, None] - (A @ k[0])[:, :, None],
    )
    for r, M in q[1].values():
        spread = spread + dot(
            r, abs((M if M.ndim > 2 else M[None, None]) @ relative.swapaxes(2, 3))
        )
    for r, M in k[1].values():
        moved = dot(
            r, abs((M if M.ndim > 2 else M[None, None]) @ q[0].swapaxes(1, 2)[:, None])
        )
        spread = spread + moved.swapaxes(1, 2)
    low, high = scores - spread / root, scores + spread / root
    most, least = (np.exp(s - high.max(-1, keepdims=True)) for s in (high, low))

    def greatest(x):  # mean of x [row, key, dim]: keys above a threshold weigh most
        best = np.full((*scores.shape[:2], x.shape[2]), -np.inf)
        for n in range(x.shape[1]):
            on = (x >= x[:, n : n + 1]) * 1.0
            total = most @ on + least @ (1 - on)
            mean = (most @ (on * x) + least @ (x - on * x)) / np.maximum(total, 1e-38)
            mean = np.where(total > 1e-38, mean, x.max(1)[:, None])
            best = np.where(allowed[..., n, None], np.maximum(best, mean), best)
        return best

    low, high = -greatest(widths(v) - v[0]), greatest(v[0] + widths(v))
    return (low + high) / 2 @ W_O, {(at, head): ((high - low) / 2, W_O)}


def see(ids):  # which position may attend to which
    every = np.ones((N, N), bool)
    return (np.tril(every) if C["causal"] else every) & (ids != C["pad_id"])[
        :, None
    ] | np.eye(N, dtype=bool)


def positions(shift):
    return T["pos_embed.W_pos"][[0, *(1 + (np.arange(N - 1) + shift) % (N - 1))]]


def run(ids, shift=0):  # (writes by source, streams in front of heads, and of MLPs)
    writes = {
        "tokens": T["embed.W_E"][ids],
        "positions": np.tile(positions(shift), (len(ids), 1, 1)),
    }
    fronts, middles, x, nothing = [], [], sum(writes.values()), {}
    for layer in range(L):
        fronts.append(x)
        for head in range(C["n_heads"]):
            writes[f"a{layer}.h{head}"] = attention(
                layer, head, [(x, nothing)] * 3, see(ids)
            )[0]
        middles.append(
            fronts[-1]
            + sum(writes[f"a{layer}.h{h}"] for h in range(C["n_heads"]))
            + T[f"blocks.{layer}.attn.b_O"]
        )
        at = f"blocks.{layer}.mlp"
        hidden = gelu(middles[-1] @ T[f"{at}.W_in"] + T[f"{at}.b_in"])
        writes[f"m{layer}"] = hidden @ T[f"{at}.W_out"] + T[f"{at}.b_out"]
        x = middles[-1] + writes[f"m{layer}"]
    return writes, fronts, middles, x @ U + T["unembed.b_U"]


def principal(x):
    return np.linalg.eigh((x - x.mean(0)).T @ (x - x.mean(0)))[1].T[::-1]


def spanned(x):  # axes along which some vectors differ
    _, sizes, rows = np.linalg.svd(x - x.mean(0), full_matrices=False)
    return rows[sizes > 1e-12 * sizes.max()]


def donors(ids):  # by source: axes, bounds along them at each place, effects on logits
    few, turns, lengths = ids[:: max(1, len(ids) // 2000)], N - 1, live(ids).sum(1)
    runs = [(part, run(part, s)[0]) for s in range(turns) if len(part := few[s::turns])]
    tokens = np.setdiff1d(ids[:, 1:], [C["pad_id"]])
    axes = {
        "tokens": spanned(T["embed.W_E"][tokens]),
        "positions": spanned(positions(0)[1:]),
    }
    for s in SOURCES[2:]:
        x = np.concatenate([w[s][live(part) & PLACES] for part, w in runs])
        basis = np.eye(x.shape[1])
        if s[0] == "a":
            layer, head = map(int, s[1:].split(".h"))
            basis = np.linalg.qr(T[f"blocks.{layer}.attn.W_O"][head].T)[0].T
        axes[s] = principal(x @ basis.T) @ basis
    found = {s: [np.full((N, len(axes[s])), np.inf) for _ in "ab"] for s in SOURCES}
    pairs = {s: np.full((N, *2 * U.shape[1:]), np.inf) for s in SOURCES}
    for n, shift in itertools.product(range(2, N + 1), range(turns)):
        # Where all see all, shifting the longest inputs only moves writes elsewhere.
        turned = n == N and not C["causal"]
        rows = ids[lengths == n]
        for start in range(0, 0 if turned and shift else len(rows), 1024):
            writes = run(rows[start : start + 1024], shift)[0]
            for s in SOURCES:
                u, y = writes[s][:, :n] @ axes[s].T, writes[s][:, :n] @ U
                gap = np.stack(
                    [(y[..., w, None] - y).min(0) for w in range(y.shape[2])], 1
                )
                for least, new in (
                    (found[s][0], u.min(0)),
                    (found[s][1], (-u).min(0)),
                    (pairs[s], gap),
                ):
                    if turned:
                        new[1:] = new[1:].min(0)
                    least[:n] = np.minimum(least[:n], new)
    return {s: (axes[s], found[s][0], -found[s][1], pairs[s]) for s in SOURCES}


def follow(base, allowed, winner, reader, move):  # least leads with one reader patched
    (writes, fronts, middles, _), moves = base, []
    first, kind = (
        int(reader[1 : reader.find(".")] if "." in reader else reader[1:]),
        reader[0],
    )
    for layer in range(first, L):
        front = plus((fronts[layer], {}), *moves)
        for head in range(C["n_heads"]):
            name, seen = f"a{layer}.h{head}", [front] * 3 if layer > first else None
            if layer == first and reader.startswith(f"{name}<"):
                seen = [plus(front, move) if s == reader[-2] else front for s in "qkv"]
            if seen:
                z = attention(layer, head, seen, allowed)
                moves.append((z[0] - writes[name], z[1]))
        rest = plus((middles[layer], {}), *moves)
        seen = plus(rest, move) if layer == first and kind == "m" else rest
        b, out = T[f"blocks.{layer}.mlp.b_out"], T[f"blocks.{layer}.mlp.W_out"]
        if layer < L - 1:
            z = mlp(layer, seen, out)
            moves.append((z[0] + b - writes[f"m{layer}"], z[1]))
    logits = plus(through(rest, U, b @ U + T["unembed.b_U"]), mlp(L - 1, seen, out @ U))
    lead = np.take_along_axis(logits[0], winner[..., None], -1) - logits[0]
    for r, M in logits[1].values():
        if M.ndim > 2:
            lead = lead - dot(
                r, abs(np.take_along_axis(M, winner[:, :, None, None], -1) - M)
            )
        else:
            for w in np.unique(winner):
                at = winner == w
                lead[at] -= np.broadcast_to(r, (*winner.shape, len(M)))[at] @ abs(
                    M[:, [w]] - M
                )
    return others(lead, winner)


def others(lead, winner):
    return np.where(np.arange(lead.shape[-1]) == winner[..., None], np.inf, lead).min(
        -1
    )


def live(ids):
    return ids != C["pad_id"]


def certified(ids, reach):  # by edge outside: positions that no donor can change
    base, allowed, lengths = run(ids), see(ids), live(ids).sum(1)
    logits = base[3]
    winner, valid = logits.argmax(-1), live(ids) & PLACES
    needed, count = SLACK * (1 + abs(logits).max(-1)), {}
    for edge in OUTSIDE:
        source, reader = edge.split("->")
        axes, low, high, pairs = reach[source]
        own = base[0][source]
        if reader == "logits":
            y = logits - own @ U
            stay, swap = (
                np.take_along_axis(a, winner[..., None], -1) - a for a in (logits, y)
            )
            lead = others(np.minimum(stay, swap + pairs[np.arange(N), winner]), winner)
        else:
            u = (low + high) / 2 - own @ axes.T
            move = u @ axes, {"donor": ((high - low)[None] / 2, axes)}
            lead = follow(base, allowed, winner, reader, move)
            if source == "positions" and not (lead > needed)[valid].all():
                exact = np.full(lead.shape, np.inf)
                for n, shift in itertools.product(range(2, N + 1), range(1, N - 1)):
                    step = np.where(
                        np.arange(N)[:, None] < n, positions(shift) - positions(0), 0
                    )
                    here = (np.where(lengths[:, None, None] >= n, step, 0), {})
                    exact = np.minimum(
                        exact, follow(base, allowed, winner, reader, here)
                    )
                lead = np.maximum(lead, exact)
        count[edge] = int((valid & (lead > needed)).sum())
    return count, int(valid.sum())


def main(folder, certificate):
    global T, C, L, N, U, SOURCES, OUTSIDE, PLACES
    folder, proof = Path(folder), json.loads(Path(certificate).read_text())["proof"]
    C, circuit = (
        json.loads((folder / f"{n}.json").read_text()) for n in ("config", "circuit")
    )
    assert (C["act"], C["norm"], C["positions"]) == ("gelu", "none", "learned"), (
        "not such a model"
    )
    T, L, N, heads = (
        read(folder / "model.safetensors"),
        C["n_layers"],
        C["n_ctx"],
        range(C["n_heads"]),
    )
    U, PLACES = T["unembed.W_U"], np.arange(N) > 0
    SOURCES = ["tokens", "positions"]
    OUTSIDE, inside = [], circuit["circuit"]["edges"]
    for layer in range(L):
        slots = [f"a{layer}.h{h}<{s}>" for h in heads for s in "qkv"]
        OUTSIDE += [f"{s}->{r}" for r in slots for s in SOURCES]
        SOURCES += [f"a{layer}.h{h}" for h in heads]
        OUTSIDE += [f"{s}->m{layer}" for s in SOURCES]
        SOURCES.append(f"m{layer}")
    OUTSIDE = [
        e for e in OUTSIDE + [f"{s}->logits" for s in SOURCES] if e not in inside
    ]
    tokens = sorted({*range(C["d_vocab"])} - {C["bos_id"], C["pad_id"]})
    words = [w for n in range(1, N) for w in itertools.product(tokens, repeat=n)]
    ids = np.array(
        [[C["bos_id"], *w, *[C["pad_id"]] * (N - 1 - len(w))] for w in words]
    )
    assert proof["donors"] == len(ids), "the donors are not all words over the tokens"
    claimed = proof["edges_without_cells"]
    bound = {e: one["hits"] for e, one in proof["edges"].items()}
    assert set(claimed) == set(OUTSIDE) == set(bound), (
        "the certificate is of another circuit"
    )
    rows = np.random.default_rng(proof["method"]["seed"]).permutation(len(ids))[
        : proof["inputs"]
    ]
    reach, total = donors(ids), dict.fromkeys(OUTSIDE, 0)
    shown = [certified(ids[rows[i : i + 50]], reach) for i in range(0, len(rows), 50)]
    places = sum(n for _, n in shown)
    assert proof["positions"] <= places, "there are fewer positions than it says"
    for count, _ in shown:
        total = {e: total[e] + count[e] for e in OUTSIDE}
    wrong = [e for e in OUTSIDE if claimed[e] > total[e] + TOLERANCE * places]
    for edge in wrong:
        print(f"{edge}: {claimed[edge]:,} positions claimed, {total[edge]:,} shown")
    more = sum(bound[e] > claimed[e] for e in OUTSIDE)
    print(f"{len(OUTSIDE) - len(wrong)} of {len(OUTSIDE)} edges hold without cells.")
    print(f"Cells, which raise the figures of {more} of them, are not checked here.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
