-- Format version 1 of a recording. Every table is append-only: a row that was written is never changed.
-- docs/recording-format.md explains each column.

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Files of the user's program that took part: the script, and every file that made an operation.
CREATE TABLE source (id INTEGER PRIMARY KEY, path TEXT NOT NULL, text TEXT NOT NULL);

-- Leaves that autograd accumulates gradients into.
CREATE TABLE parameter (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, module TEXT NOT NULL, shape TEXT NOT NULL, dtype TEXT NOT NULL);

CREATE TABLE step (idx INTEGER PRIMARY KEY, started REAL NOT NULL);

-- One backward pass: kind is 'backward' or 'grad' (torch.autograd.grad).
CREATE TABLE graph (
    id INTEGER PRIMARY KEY, step INTEGER NOT NULL, kind TEXT NOT NULL, root INTEGER NOT NULL, loss REAL);

-- kind: 'operation' (a grad_fn), 'parameter' (an AccumulateGrad), 'data' (an input that needs no gradient; no grad_fn).
CREATE TABLE node (
    id INTEGER PRIMARY KEY, graph INTEGER NOT NULL, kind TEXT NOT NULL, type TEXT NOT NULL, operation TEXT NOT NULL,
    name TEXT NOT NULL, module TEXT NOT NULL, module_type TEXT NOT NULL, source INTEGER, line INTEGER, function TEXT NOT NULL,
    shape TEXT, dtype TEXT, sequence_nr INTEGER, parameter INTEGER, forward_event INTEGER, info TEXT NOT NULL);
CREATE INDEX node_of_graph ON node (graph);

-- A next_functions link: output `slot` of `source`'s backward is input `input_number` of `target`'s backward.
CREATE TABLE edge (
    graph INTEGER NOT NULL, source INTEGER NOT NULL, slot INTEGER NOT NULL, target INTEGER NOT NULL,
    input_number INTEGER NOT NULL, PRIMARY KEY (graph, source, slot)) WITHOUT ROWID;

-- Events are numbered 0, 1, 2, … without gaps, in the order in which they happened.
CREATE TABLE event (
    id INTEGER PRIMARY KEY, step INTEGER NOT NULL, graph INTEGER, kind TEXT NOT NULL, node INTEGER, parameter INTEGER,
    time REAL NOT NULL, info TEXT NOT NULL);

-- Which tensors belong to an event: role and slot say what each is.
CREATE TABLE value (
    event INTEGER NOT NULL, role TEXT NOT NULL, slot INTEGER NOT NULL, name TEXT NOT NULL, tensor INTEGER NOT NULL,
    PRIMARY KEY (event, role, slot, name)) WITHOUT ROWID;

-- Content, stored once however often it is referred to. level: 'full', 'preview' or 'stats'. Where `data` is an integer,
-- that is a place in the file beside the recording.
CREATE TABLE tensor (
    id INTEGER PRIMARY KEY, shape TEXT NOT NULL, dtype TEXT NOT NULL, device TEXT NOT NULL, level TEXT NOT NULL,
    min REAL, max REAL, mean REAL, std REAL, norm REAL, zeros INTEGER NOT NULL, nans INTEGER NOT NULL, infs INTEGER NOT NULL,
    histogram BLOB, histogram_low REAL, histogram_high REAL,
    data_shape TEXT, data BLOB);

-- What was left out, and other remarks to the reader.
CREATE TABLE note (id INTEGER PRIMARY KEY, step INTEGER, text TEXT NOT NULL);
