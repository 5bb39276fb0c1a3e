"""A model: a transformer, the program it computes, and where each variable lives.

The same type serves compiled, trained and loaded models. Sequences of tokens go in
and values come out; underneath, position 0 of every sequence is BOS and PAD fills it
up to `config.n_ctx`, so that every run and every donor has the same shape.
"""

from __future__ import annotations

import operator
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from compiler import html
from compiler.errors import InputError, UnsuitedInputWarning, count, unknown_name
from compiler.escapes import escape
from compiler.ir.interpret import encode_batch, interpret, overrides_from_values
from compiler.ir.typed import Typed
from compiler.lower.readout import Readout, check_logits, decode_logits
from compiler.machine.circuit import Circuit, Site
from compiler.machine.config import Config
from compiler.machine.features import Features
from compiler.machine.patch import Patch
from compiler.machine.weights import Weights
from compiler.passes.check import Accepts
from compiler.rasp.program import describe_inputs
from compiler.rasp.values import Value, show, show_many
from compiler.torch_values import plain

if TYPE_CHECKING:
    from compiler.picture import Picture

TokenSequence = Sequence[Value]

SPD_INPUTS = 1_024
"""How many inputs `to_spd` writes, at most."""

FAILURES = {
    "budget": "its steps were used up before every figure reached its threshold",
    "diverged": "its loss became infinite or undefined",
}
"""By the outcome of a training, what went wrong; an outcome `passed` is not here."""


@dataclass(frozen=True, eq=False)
class VariableInfo:
    """One variable of the program, and its place in the transformer.

    Attributes:
        name: the variable's.
        values: its domain, in order.
        site: the node that writes it and the subspace; None for a constant.
        rows: [values, d_model] what stands in the stream for each value; None where
            that is not known (a trained model).
        text: its definition.
        note: the author's line on it.
    """

    name: str
    values: tuple[Value, ...]
    site: Site | None
    rows: Float[np.ndarray, "value d_model"] | None
    text: str
    note: str

    def __repr__(self) -> str:
        place = "constant" if self.site is None else f"{self.site!r}"
        name = escape(self.name)
        return f"<Variable {name}: {{{escape(show_many(self.values))}}}, {place}>"


@dataclass(frozen=True, eq=False)
class Model:
    """A transformer whose mechanism is known.

    Attributes:
        name: the program's name.
        typed: the program over its domains: the oracle.
        config: the transformer's shape.
        weights: its arrays, read-only.
        readout: how logits are turned into values.
        circuit: edges, and the site of every variable.
        rows: by variable, [values, d_model] what stands in the stream for a value.
        basis: [d_model, d_model] rows are the named directions; None where these are
            the axes of the stream.
        facts: what is to be known beside it (source text, options), plain JSON values.
        beside: edges and sites of what is computed and never read (decoys, a second
            program); None where there is nothing.
        features: of a compressed model, the direction of everything that had a
            dimension of its own before; None otherwise.
        steps: the program as the components compute it, one variable a component;
            None where each variable of the program has a component of its own.
        accepts: which inputs the program is for; every one if None. It is code, and no
            saved model holds it: `zoo.load` takes it from the library.
    """

    name: str
    typed: Typed
    config: Config
    weights: Weights
    readout: Readout
    circuit: Circuit
    rows: Mapping[str, Any]
    basis: Float[np.ndarray, "d_model d_model"] | None = None
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    beside: Circuit | None = None
    features: Features | None = None
    steps: Typed | None = None
    accepts: Accepts | None = None

    def __repr__(self) -> str:
        failed = f"; FAILED, {self.failure}" if self.failure else ""
        return f"<Model {escape(self.name)}: {self._shape}{failed}>"

    @property
    def failure(self) -> str:
        """Why the training that made it failed; "" where none did.

        A training fails where its steps are used up before every figure reaches its
        threshold. The model works, and its circuit is a claim that did not come true.
        """
        return FAILURES.get(str(self.facts.get("outcome")), "")

    @property
    def _shape(self) -> str:
        shape = self.config
        return (
            f"{count(shape.n_layers, 'layer')}, {count(shape.n_heads, 'head')}, "
            f"d_model {shape.d_model}, {shape.n_params:,} parameters"
        )

    @property
    def transformer(self) -> Any:
        """The configuration and the arrays as one value, a pytree of JAX.

        `forward(model.transformer, ids)` is what the model computes, to be mapped with
        `jax.vmap` and differentiated with `jax.grad`.
        """
        from compiler.machine.transformer import Transformer

        return Transformer(self.config, self.weights)

    # Pictures ---------------------------------------------------------------------

    def picture(self) -> Picture:
        """Return the picture of the circuit: notebooks show it, `save` writes it."""
        config, edges = self.config, len(self.circuit.edges)
        subtitle = (
            f"{count(config.n_layers, 'layer')}, {count(config.n_heads, 'head')} a "
            f"layer, d_model {config.d_model}; the circuit is {edges} of "
            f"{len(config.names.edges)} edges"
        )
        return self.circuit.picture(self.name, subtitle)

    def _repr_html_(self) -> str:
        failed = html.alarm(self.failure and f"FAILED: {self.failure}.")
        meaning = html.line(str(self.facts.get("meaning", "")))
        head = html.heading(f"{self.name}: {self._shape}")
        return f"{head}{failed}{meaning}{self.picture().svg}"

    # Values in, values out --------------------------------------------------------

    def __call__(self, tokens: TokenSequence) -> list[Value]:
        """Return the output at each position: `model("abc") -> ["c", "b", "a"]`.

        On an input that the program is not for (`accepts`), there is a warning, and
        the output is what the weights give there: it stands for nothing, and neither
        `zoo verify` nor an audit looks at it.

        Raises:
            InputError: the input is empty, too long, or has an unknown token.
        """
        return self.batch([tokens])[0]

    def batch(self, sequences: Sequence[TokenSequence]) -> list[list[Value]]:
        """Return the outputs of several sequences, of any lengths.

        There is a warning where the program is not for one of them, as of a call.
        """
        indices, lengths = encode_batch(self.typed, sequences)
        if unsuited := self._unsuited(indices, lengths):
            warnings.warn(unsuited, UnsuitedInputWarning, stacklevel=3)
        logits = np.asarray(self.logits_of(self.ids(indices, lengths)))
        return [
            decode_logits(self.readout, row[1 : len(sequence) + 1])
            for row, sequence in zip(logits, sequences, strict=True)
        ]

    def unsuited(self, sequences: Sequence[TokenSequence]) -> str:
        """Return which sequences the program is not for, as a sentence; "" if none.

        Raises:
            InputError: a sequence is empty, too long, or has an unknown token.
        """
        return self._unsuited(*encode_batch(self.typed, sequences))

    def _unsuited(
        self, indices: Int[np.ndarray, "batch seq"], lengths: Int[np.ndarray, " batch"]
    ) -> str:
        if self.accepts is None:
            return ""
        rows = [
            [self.typed.vocab[i] for i in row[:length]]
            for row, length in zip(indices, lengths, strict=True)
        ]
        wrong = [row for row in rows if not self.accepts(row)]
        if not wrong:
            return ""
        words = describe_inputs(self.accepts)
        such = f"Of the inputs that it is for this holds: {words}. " if words else ""
        which = f"{len(wrong)} of the {len(rows)} inputs, such as " * (len(rows) > 1)
        return (
            f"{self.name} is not for {which}{escape(str(wrong[0]))}. {such}The output "
            "there stands for nothing"
        )

    def generate(
        self,
        prompt: str | TokenSequence | Sequence[TokenSequence],
        max_new: int | None = None,
    ) -> Any:
        """Return what follows a prompt: at each step the token with the greatest logit.

        Keys and values are cached. Generation ends at the token `EOS`, which is left
        out, after `max_new` tokens, or where the context ends; where it ends there
        although the vocabulary has an EOS and no `max_new` was given, a RuntimeWarning
        says so.

        Args:
            prompt: words with spaces between them ("3 1 2 ="), a list of tokens, or a
                list of such lists, each of its own length.
            max_new: the most tokens to generate; as many as fit by default.

        Returns:
            a list of tokens; a list of them for several prompts.

        Raises:
            InputError: the logits do not stand for tokens, a prompt is empty, too long
                or has an unknown word, or `max_new` does not fit into the context.
        """
        from compiler.generation import LanguageModel, generate

        if not self.writes_tokens:
            raise InputError(
                f"{self.name} is no language model: its logits stand for values at "
                "each token, and not for the next token. Call the model on the tokens "
                "instead. A program that writes its own next token is compiled with "
                "generate=True (zoo compile --generate)"
            )
        model = LanguageModel(
            self.name,
            self.transformer,
            self.words,
            self.typed.vocab,
            self.readout.values,
            self.encode_batch,
        )
        several = not isinstance(prompt, str) and is_batch(prompt)
        made = generate(model, prompt if several else [prompt], max_new)
        return made if several else made[0]

    def logits(self, tokens: TokenSequence) -> Float[np.ndarray, "seq class"]:
        """Return the logits at the positions of the tokens (BOS left out)."""
        ids = self.encode_batch([tokens])
        return np.asarray(self.logits_of(ids))[0, 1 : len(tokens) + 1]

    def encode(self, tokens: TokenSequence) -> Int[np.ndarray, " ctx"]:
        """Return token ids: BOS, the tokens, PAD up to n_ctx."""
        return self.encode_batch([tokens])[0]

    def encode_batch(
        self, sequences: Sequence[TokenSequence]
    ) -> Int[np.ndarray, "batch ctx"]:
        """Return the token ids of several sequences."""
        indices, lengths = encode_batch(self.typed, sequences)
        return self.ids(indices, lengths)

    def ids(
        self, indices: Int[np.ndarray, "batch seq"], lengths: Int[np.ndarray, " batch"]
    ) -> Int[np.ndarray, "batch ctx"]:
        """Return token ids for vocabulary indices (the interpreter's input)."""
        config = self.config
        assert config.bos_id is not None and config.pad_id is not None
        ids = np.full((len(indices), config.n_ctx), config.pad_id, np.int32)
        ids[:, 0] = config.bos_id
        live = np.arange(indices.shape[1])[None, :] < lengths[:, None]
        ids[:, 1 : indices.shape[1] + 1] = np.where(live, indices, config.pad_id)
        return ids

    def decode(self, logits: Float[Any, "seq class"]) -> list[Value]:
        """Return the value that each row of logits stands for.

        Raises:
            InputError: they are no numbers, NaN, or of another shape.
        """
        return decode_logits(self.readout, check_logits(self.readout, plain(logits)))

    # The machine ------------------------------------------------------------------

    def logits_of(
        self, ids: Int[Any, "batch ctx"], patch: Patch | None = None
    ) -> Float[Any, "batch ctx class"]:
        """Return the logits of token ids, under a patch with a batch axis if given."""
        from compiler.machine.forward import logits_batch

        return logits_batch(self.transformer, ids, patch)

    def run(
        self,
        tokens: TokenSequence | Sequence[TokenSequence],
        patch: Patch | None = None,
    ) -> Any:
        """Return Run(logits, writes) of one sequence, or of a list of sequences.

        Args:
            tokens: a sequence, or several (then every array has a batch axis).
            patch: an intervention. For several sequences, one with a batch axis on
                mask and donor, or one without, which all of them share.

        Returns:
            logits [n_ctx, classes] and writes [source, n_ctx, d_model]; position 0 is
            BOS, positions past the tokens are PAD and mean nothing.
        """
        from compiler.machine.forward import forward_batch

        several = is_batch(tokens)
        sequences = tokens if several else [tokens]
        ids = self.encode_batch(sequences)  # type: ignore[arg-type]
        if patch is not None:
            patch = with_batch_axis(patch, len(ids))
        run = forward_batch(self.transformer, ids, patch)
        return run if several else type(run)(run.logits[0], run.writes[0])

    # What it means ----------------------------------------------------------------

    def interpreter(
        self,
        tokens: TokenSequence,
        overrides: Mapping[str, Sequence[Value]] | None = None,
    ) -> dict[str, list[Value]]:
        """Return what every variable holds, by name, by the program's definition.

        Args:
            tokens: the input.
            overrides: by variable, the values that it is to hold instead.

        Returns:
            values by variable name; the last one is the output.
        """
        indices, lengths = encode_batch(self.typed, [tokens])
        changed = {} if overrides is None else overrides
        given = overrides_from_values(self.typed, changed, lengths)
        trace = interpret(self.typed, indices, lengths, given)
        order = [i for i in range(len(trace.values)) if i != self.typed.output]
        return {
            self.typed.variables[i].name: trace.decoded(i, 0)
            for i in (*order, self.typed.output)
        }

    @property
    def output(self) -> str:
        """The name of the variable that is the program's result."""
        return self.typed.variables[self.typed.output].name

    @cached_property
    def variables(self) -> Mapping[str, VariableInfo]:
        """The program's variables by name, in order of computation."""
        return _named_entries(
            {
                v.name: VariableInfo(
                    v.name,
                    v.domain.values,
                    self.sites.get(v.name),
                    self.rows.get(v.name),
                    v.text,
                    v.note,
                )
                for v in self.typed.variables
            }
        )

    @cached_property
    def sites(self) -> Mapping[str, Site]:
        """Where each variable lives: in the circuit, or beside it."""
        beside = {} if self.beside is None else self.beside.sites
        return _named_entries({**beside, **self.circuit.sites})

    def variable_mask(self, name: str) -> Float[np.ndarray, "source 1 d_model"]:
        """Return the node mask of a variable's site, for `Patch.nodes`.

        Its last axis counts named directions: pass `basis=model.basis` with it.

        Raises:
            NameLookupError: no variable has that name.
        """
        site = self.sites[name]
        mask = np.zeros((len(self.config.names.sources), 1, self.config.d_model))
        row = self.config.names.source_index(site.node)
        if site.basis is None:
            mask[row] = 1.0
            return mask.astype(np.float32)
        basis = np.eye(self.config.d_model) if self.basis is None else self.basis
        mask[row, 0] = np.abs(basis @ site.basis.T).max(axis=1) > 0.5
        return mask.astype(np.float32)

    def interchange(
        self, name: str, donor: Any, positions: Sequence[int] | None = None
    ) -> Patch:
        """Return the patch that sets a variable to what it is in a donor run.

        Args:
            name: the variable.
            donor: the `Run` of one sequence, or the sequence.
            positions: which token positions (from 0); all of them if None.

        Raises:
            NameLookupError: no variable has that name.
            InputError: the donor is a sequence that the model does not take, or a
                position is none of a token.
        """
        mask = np.repeat(self.variable_mask(name), self.config.n_ctx, axis=1)
        if positions is not None:
            keep = np.zeros(self.config.n_ctx, np.float32)
            for place in _token_positions(positions, self.config.n_ctx - 1):
                keep[place + 1] = 1.0
            mask = mask * keep[None, :, None]
        basis = None if self.basis is None else self.basis.astype(np.float32)
        ran = donor if hasattr(donor, "writes") else self.run(donor)
        return Patch.nodes(mask, ran.writes, basis)

    @cached_property
    def parts(self) -> Any:
        """The weights as a sum of rank-one parts: what reads which feature.

        A tuple of `compiler.parts.WeightPart`; the parts of one matrix add up to it.

        Raises:
            InputError: the model was trained or compressed.
        """
        from compiler.parts import parts_of

        return parts_of(self)

    # For other tools --------------------------------------------------------------

    def to_transformer_lens(self, device: str = "cpu") -> Any:
        """Return the same transformer in TransformerLens: every logit, every hook.

        With TransformerLens 3 it is a `HookedTransformer`, with 4 a
        `TransformerBridge`. Feed it token ids, as `encode` and `encode_batch` make
        them: BOS at 0, then the tokens, then PAD.

            lens = model.to_transformer_lens()
            ids = torch.tensor(model.encode_batch([list("abc"), list("ba")]))
            logits, cache = lens.run_with_cache(ids.long())

        Nothing attends to PAD, also without an attention mask: it hides the PAD
        positions of the ids that it is called on. So inputs of different lengths
        share a batch, and ids that are cut behind the last token give the same. A
        row of logits answers for the token at its position; rows of BOS and PAD mean
        nothing. It keeps no key-value cache. PAD stays hidden in a copy, in a pickled
        or saved model, and after `reset_hooks`. Reading a pickled model needs this
        package. With version 4 a file keeps weights, configuration and tokenizer;
        a model with hooks, or after `enable_compatibility_mode`, is not written.

        The state dict has one entry more than a plain model's, `pad_id`. A plain
        HookedTransformer or TransformerBridge would attend to PAD, so it refuses the
        state dict: load it into another export. `load_state_dict(..., strict=False)`
        switches this check off, and the logits of a plain model are then wrong
        wherever a batch has PAD.

        It carries a tokenizer where text can stand for the tokens:
        `lens.to_tokens("3 1 2")` is BOS, 3, 1, 2. Version 3 comes with the flags that
        EAP-IG asks for (`use_attn_result`, `use_split_qkv_input`, `use_hook_mlp_in`,
        `ungroup_grouped_query_attention`). `lens.config` is `lens.cfg`, and
        `lens.device` is where the weights are: pyvene reads both.

        Version 3 has a hook for each name (`config.names.source_hook`). Version 4
        has none for what a single head writes and reads (`hook_z` is there), and
        there a call with `start_at_layer` needs `attention_mask=ids != PAD`, since it
        sees no ids, and is refused without. With rotary positions version 4 turns
        neighbouring coordinates, version 3 as here i with i + d_head / 2: `hook_q` and
        `hook_k` are then in another order, and nothing else differs.

        Args:
            device: where torch is to put it.

        Raises:
            InputError: TransformerLens is not installed.
        """
        from compiler.interchange.lens import to_transformer_lens

        return to_transformer_lens(self.transformer, device, self.words)

    def to_nnx(self) -> Any:
        """Return the same transformer as an `nnx.Module` of flax, with a copy of it.

        Every array is an `nnx.Param` under its name in `weights`. Called on token ids,
        [seq] or [batch, seq], the module returns their logits; it is differentiable and
        is trained like any other:

            module = model.to_nnx()
            optimizer = nnx.Optimizer(module, optax.adam(1e-3), wrt=nnx.Param)
            gradient = nnx.grad(lambda module: loss(module(ids)))(module)
            optimizer.update(module, gradient)

        `module.transformer` is the pytree of its parameters as they are then.
        """
        from compiler.interchange.nnx import NnxTransformer

        return NnxTransformer(self.transformer)

    def to_spd(self, path: str | os.PathLike[str]) -> Path:
        """Write a folder for tools that decompose parameters, and return it.

        It has the weights with one Linear layer a matrix (`to_linear_modules()` is the
        torch module), inputs with logits, and the true parts; see
        `compiler/linear_modules.py`.

        Raises:
            InputError: the model was trained, has norms, gates or rotary positions, or
                there is something at the path.
        """
        from compiler.linear_modules import check_plain, write_spd_folder
        from compiler.passes.check import sample_inputs
        from compiler.superposed.inputs import sparse_inputs

        check_plain(self, "to_spd")
        parts, accepts = self.parts, sparse_inputs(self.typed, self.facts)
        ids = self.ids(*sample_inputs(self.typed, SPD_INPUTS, 0, accepts)[:2])
        logits = np.asarray(self.logits_of(ids))
        return write_spd_folder(self, parts, ids, logits, path)

    def to_linear_modules(self) -> Any:
        """Return the model as a torch module with one Linear layer a matrix.

        Raises:
            InputError: the model has norms, gates or rotary positions; or torch is not
                installed.
        """
        from compiler.linear_modules import to_linear_modules

        return to_linear_modules(self)

    def to_hf(self, path: str | os.PathLike[str]) -> Path:
        """Write a folder for Hugging Face transformers, and return it.

        `AutoModelForCausalLM.from_pretrained(path)` (of a model whose logits stand for
        its tokens; see `writes_tokens`) or `AutoModelForTokenClassification` (of any
        other) gives the same logits for the ids of `encode`, in the rows of the
        tokens, and `AutoTokenizer` reads text. The model must be a GPT-2, a Llama, a
        Qwen2, or an encoder with the norm in front; `zoo.train(.., like="llama")`
        makes one. An encoder needs the tokenizer's attention mask where there is PAD.
        Neither torch nor transformers is needed to write the folder.

        Raises:
            InputError: the architecture is another one, with all that differs; or
                there is something at the path.
        """
        from compiler.interchange.hugging_face import write_folder

        return write_folder(
            self.transformer, self.labels, path, self.words, self.writes_tokens
        )

    def to_transformers(self) -> Any:
        """Return the model as transformers has it, in memory; as `to_hf` writes it.

        It is a `GPT2LMHeadModel`, a `LlamaForTokenClassification` and so on, in
        evaluation mode, with the same logits.

        Raises:
            InputError: the architecture is another one, with all that differs; or
                torch and transformers are not installed.
        """
        from compiler.interchange.transformers_model import to_transformers

        return to_transformers(
            self.transformer, self.labels, self.words, self.writes_tokens
        )

    @property
    def writes_tokens(self) -> bool:
        """Whether each logit stands for the token of the same id: a language model."""
        return self.readout.stands_for_tokens(self.typed.vocab, self.config.d_vocab)

    @property
    def labels(self) -> list[str]:
        """What each logit stands for, as text."""
        if self.readout.kind == "classes":
            return [show(value) for value in self.readout.values]
        return ["value", "is_none"][: self.readout.size]

    @property
    def words(self) -> list[str]:
        """The text that a tokenizer has for each token: `a`, `3`, `2/3`."""
        return [v if isinstance(v, str) else show(v) for v in self.typed.vocab]

    def to_networkx(self) -> Any:
        """Return the circuit as a `networkx.MultiDiGraph` over nodes."""
        return self.circuit.to_networkx()

    def to_graphml(self, path: str | os.PathLike[str]) -> None:
        """Write the circuit as GraphML; `interchange.graphs` reads it back."""
        from compiler.interchange.graphs import write_graphml

        write_graphml(self.circuit, path)

    def to_eap_ig_json(self, path: str | os.PathLike[str]) -> None:
        """Write the circuit as a graph of EAP-IG and MIB, for `Graph.from_json`.

        Both embeddings are one node `input` there; the score of an edge is 1 in the
        circuit, and 0 outside.
        """
        from compiler.interchange.graphs import write_eap_ig_json

        write_eap_ig_json(self.circuit, self.config.d_model, path)

    def to_auto_circuit(self) -> dict[str, float]:
        """Return 1 or 0 for each edge, by auto-circuit's name: is it in the circuit?

        Names are as in `MLP 0->A1.0.Q`; both embeddings are `Resid Start`.
        """
        from compiler.interchange.graphs import to_auto_circuit

        return to_auto_circuit(self.circuit)


class _ByName(dict[str, Any]):
    """A dictionary by variable; an unknown name is told with the nearest ones."""

    def __missing__(self, name: str) -> Any:
        raise unknown_name("variable", str(name), self)


def _named_entries(entries: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(_ByName(entries))


def is_batch(tokens: Any) -> bool:
    """Return whether `tokens` holds sequences (lists or arrays), not tokens."""
    if not isinstance(tokens, Sequence | np.ndarray) and not hasattr(tokens, "shape"):
        return False  # a number or a set, which the encoder refuses in words
    return len(tokens) > 0 and isinstance(tokens[0], list | np.ndarray)


def _token_positions(given: Any, max_len: int) -> list[int]:
    """Return positions of tokens, from 0, that somebody gave.

    Raises:
        InputError: they are no integers, or outside of the longest input.
    """
    try:
        found = [operator.index(place) for place in given]
    except TypeError:
        raise InputError(
            f"positions is {given!r:.60}; give a list of integers, such as [0, 2]"
        ) from None
    if outside := [place for place in found if not 0 <= place < max_len]:
        raise InputError(
            f"position {outside[0]}: the tokens are at 0 to {max_len - 1}; the row of "
            "BOS, which comes before them, is none"
        )
    return found


def with_batch_axis(patch: Patch, size: int) -> Patch:
    """Return the patch with a batch axis on masks, donor and `where`.

    What has none is repeated. A shape that could be read either way has a batch axis if
    the donor has one.

    Raises:
        InputError: a part has the batch axis of another number of sequences.
    """
    if not isinstance(patch, Patch):
        raise InputError(
            f"the patch is a {type(patch).__name__}; make one with Patch.edges(mask, "
            "donor.writes), Patch.nodes or model.interchange"
        )
    if patch.donor is None or hasattr(patch.donor, "writes"):
        raise InputError(
            f"the patch's donor is a {type(patch.donor).__name__}; give the writes of "
            "a run: model.run(tokens).writes"
        )
    donor = np.asarray(plain(patch.donor))
    stacked, n_sources = donor.ndim == 4, donor.shape[-3] if donor.ndim > 2 else 0

    def part(given: Any, lead: int | None, what: str) -> Any:
        """Repeat a part whose sources stand on the axis `lead`; or `where`, if None."""
        if given is None:
            return None
        array = given if given is donor else np.asarray(plain(given))
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise InputError(f"the patch's {what} hold NaN; give numbers")
        if lead is None:
            alone, each = array.ndim == 1, array.ndim == 2
        else:
            alone = array.ndim > lead and array.shape[lead] == n_sources
            each = array.ndim > lead + 1 and array.shape[lead + 1] == n_sources
        if each and (stacked or not alone) and len(array) == size:
            return array
        if each and (not alone or (stacked and array is donor)):
            raise InputError(
                f"the patch has {what} for {count(len(array), 'sequence')}, and there "
                f"are {size}"
            )
        return np.broadcast_to(array, (size, *array.shape))

    return patch._replace(
        donor=part(donor, 0, "donors"),
        node_mask=part(patch.node_mask, 0, "masks"),
        edge_mask=part(patch.edge_mask, 1, "masks"),
        where=part(patch.where, None, "factors by position"),
    )
