"""All actions of the window, in one table.

Menus, toolbar, transport buttons, command palette and the list of shortcuts are made from it. To add an action, write a
row and connect its id to a function in `gui/window.py`:

    ActionSpec("fit", QT_TR_NOOP("Fit graph"), QT_TR_NOOP("Show the whole graph"), "F Ctrl+0", icon="fit",
               menu="view"),

Rows of one `group` exclude each other; several shortcuts are separated by a space.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from gui.icons import icon
from gui.mnemonics import give_mnemonics

if TYPE_CHECKING:
    from engine.layout import Direction

    def QT_TR_NOOP(text: str) -> str:
        """PySide6 types its own as object -> object."""
        ...

else:
    from PySide6.QtCore import QT_TR_NOOP

CONTEXT = "Table"


@dataclass(frozen=True)
class ActionSpec:
    """One row: what the user reads, presses and finds. `separator`: a line above it in its menu."""

    id: str
    label: str
    tip: str
    shortcuts: str = ""
    icon: str = ""
    menu: str = ""
    group: str = ""
    checkable: bool = False
    separator: bool = False


# fmt: off
class Table:
    """The rows, in the order of the menus. (A class, because its name is the strings' context for translators.)"""

    MENUS: tuple[tuple[str, str], ...] = (
        ("file", QT_TR_NOOP("&File")),
        ("file/examples", QT_TR_NOOP("E&xamples")),
        ("file/recent", QT_TR_NOOP("Open &recent")),
        ("edit", QT_TR_NOOP("&Edit")),
        ("run", QT_TR_NOOP("&Run")),
        ("run/tensors", QT_TR_NOOP("&Tensors to record")),
        ("step", QT_TR_NOOP("&Step")),
        ("proof", QT_TR_NOOP("&Proof")),
        ("view", QT_TR_NOOP("&View")),
        ("view/panels", QT_TR_NOOP("&Panels")),
        ("view/layout", QT_TR_NOOP("&Layout")),
        ("view/color", QT_TR_NOOP("&Colour nodes by")),
        ("view/leaves", QT_TR_NOOP("&Data leaves")),
        ("view/modules", QT_TR_NOOP("&Modules")),
        ("view/theme", QT_TR_NOOP("&Theme")),
        ("view/motion", QT_TR_NOOP("M&otion")),
        ("help", QT_TR_NOOP("&Help")),
    )

    FILE: tuple[ActionSpec, ...] = (
        ActionSpec("open_script", QT_TR_NOOP("Open script…"), QT_TR_NOOP("Open a PyTorch script"), "Ctrl+O",
                   icon="file-code", menu="file"),
        ActionSpec("open_recording", QT_TR_NOOP("Open recording…"), QT_TR_NOOP("Open a .chain file"), "Ctrl+Shift+O",
                   icon="folder-open", menu="file"),
        ActionSpec("load_model", QT_TR_NOOP("Load model…"),
                   QT_TR_NOOP("Choose one of torchvision's models and run it"), "Ctrl+L", icon="layers", menu="file"),
        ActionSpec("example_bow", QT_TR_NOOP("The bow"),
                   QT_TR_NOOP("The smallest training loop: w, b, one sample, gradient descent"),
                   icon="bow", menu="file/examples"),
        ActionSpec("example_bow_manual", QT_TR_NOOP("The bow, by hand"),
                   QT_TR_NOOP("The same loop with the update written out and no optimizer"),
                   icon="bow", menu="file/examples"),
        ActionSpec("example_resnet18", QT_TR_NOOP("ResNet-18"),
                   QT_TR_NOOP("A torchvision model of 134 autograd nodes, SGD with momentum"),
                   icon="cube", menu="file/examples"),
        ActionSpec("save_script", QT_TR_NOOP("Save script"), QT_TR_NOOP("Write the edited script to its file"),
                   "Ctrl+Alt+S", menu="file", separator=True),
        ActionSpec("save_recording", QT_TR_NOOP("Save recording as…"),
                   QT_TR_NOOP("Keep this recording in a .chain file"), "Ctrl+S", icon="save", menu="file"),
        ActionSpec("export_graph", QT_TR_NOOP("Export graph…"),
                   QT_TR_NOOP("As a picture, an animation of the training step, or data for other programs"), "Ctrl+E",
                   icon="image", menu="file", separator=True),
        ActionSpec("show_welcome", QT_TR_NOOP("Welcome page"),
                   QT_TR_NOOP("Close what is open and show the welcome page"), "Ctrl+W", menu="file", separator=True),
        ActionSpec("quit", QT_TR_NOOP("Quit"), QT_TR_NOOP("Close the window"), "Ctrl+Q", menu="file"),
    )

    EDIT: tuple[ActionSpec, ...] = (
        ActionSpec("copy_image", QT_TR_NOOP("Copy picture"),
                   QT_TR_NOOP("Put the view on the clipboard, as pixels and as SVG"), "Ctrl+Shift+C", icon="copy",
                   menu="edit"),
        ActionSpec("copy_dot", QT_TR_NOOP("Copy graph as DOT"),
                   QT_TR_NOOP("Put the graph on the clipboard in Graphviz's language"), menu="edit", separator=True),
        ActionSpec("copy_json", QT_TR_NOOP("Copy graph as JSON"),
                   QT_TR_NOOP("Put the graph on the clipboard in NetworkX's node-link form"), menu="edit"),
    )

    RUN: tuple[ActionSpec, ...] = (
        ActionSpec("run", QT_TR_NOOP("Run"), QT_TR_NOOP("Run the script and record it"), "F5", icon="run", menu="run"),
        ActionSpec("stop", QT_TR_NOOP("Stop"), QT_TR_NOOP("End the running script; its recording is kept"), "Shift+F5",
                   icon="stop", menu="run"),
        ActionSpec("pause_run", QT_TR_NOOP("Pause script"),
                   QT_TR_NOOP("Let the script stand still after this training step"), "F6", icon="pause", menu="run",
                   separator=True),
        ActionSpec("resume_run", QT_TR_NOOP("Resume script"), QT_TR_NOOP("Let the script run on to its end"),
                   "Shift+F6", icon="resume", menu="run"),
        ActionSpec("step_run", QT_TR_NOOP("Record one more step"),
                   QT_TR_NOOP("Let the script run one training step, then pause it"), "F10", icon="step-run",
                   menu="run"),
        ActionSpec("follow_live", QT_TR_NOOP("Follow the script"),
                   QT_TR_NOOP("Keep the playhead at the newest event while the script runs"), "F7", icon="follow",
                   menu="run", checkable=True, separator=True),
        ActionSpec("tensors_full", QT_TR_NOOP("Full"), QT_TR_NOOP("Record every element, within a step's budget"),
                   menu="run/tensors", group="tensors", checkable=True),
        ActionSpec("tensors_preview", QT_TR_NOOP("Preview"),
                   QT_TR_NOOP("Record evenly spread elements of large tensors"),
                   menu="run/tensors", group="tensors", checkable=True),
        ActionSpec("tensors_stats", QT_TR_NOOP("Statistics"),
                   QT_TR_NOOP("Record statistics and histograms only: fastest and smallest"),
                   menu="run/tensors", group="tensors", checkable=True),
    )

    STEP: tuple[ActionSpec, ...] = (
        ActionSpec("step_forward", QT_TR_NOOP("Step forward"), QT_TR_NOOP("To the next event"), "Right",
                   icon="step-forward", menu="step"),
        ActionSpec("step_back", QT_TR_NOOP("Step back"), QT_TR_NOOP("To the event before"), "Left",
                   icon="step-back", menu="step"),
        ActionSpec("play", QT_TR_NOOP("Play"), QT_TR_NOOP("Let the playhead move by itself"), "Space", icon="play",
                   menu="step", checkable=True),
        ActionSpec("slower", QT_TR_NOOP("Slower"), QT_TR_NOOP("Play slower: down to one event a second"), "[",
                   menu="step"),
        ActionSpec("faster", QT_TR_NOOP("Faster"), QT_TR_NOOP("Play faster: up to a training step a second"), "]",
                   menu="step"),
        ActionSpec("next_phase", QT_TR_NOOP("Next phase"), QT_TR_NOOP("To the next of forward, backward, update"),
                   "Ctrl+Right", icon="next-phase", menu="step", separator=True),
        ActionSpec("previous_phase", QT_TR_NOOP("Previous phase"),
                   QT_TR_NOOP("To the start of this phase, then of the one before"), "Ctrl+Left",
                   icon="previous-phase", menu="step"),
        ActionSpec("next_step", QT_TR_NOOP("Next training step"), QT_TR_NOOP("To the next training step"),
                   "Shift+Right", icon="next-step", menu="step", separator=True),
        ActionSpec("previous_step", QT_TR_NOOP("Previous training step"),
                   QT_TR_NOOP("To the start of this training step, then of the one before"), "Shift+Left",
                   icon="previous-step", menu="step"),
        ActionSpec("go_start", QT_TR_NOOP("Go to the start"), QT_TR_NOOP("To the first event"), "Home",
                   icon="go-start", menu="step", separator=True),
        ActionSpec("go_end", QT_TR_NOOP("Go to the end"), QT_TR_NOOP("To the last event"), "End",
                   icon="go-end", menu="step"),
    )

    PROOF: tuple[ActionSpec, ...] = (
        ActionSpec("verify_all", QT_TR_NOOP("Verify all"),
                   QT_TR_NOOP("Do every gradient and every update again by hand, and compare"), "F8", icon="proof",
                   menu="proof"),
        ActionSpec("verify_step", QT_TR_NOOP("Verify this training step"),
                   QT_TR_NOOP("The same for the training step at the playhead only"), "Shift+F8", menu="proof"),
        ActionSpec("verify_stop", QT_TR_NOOP("Stop verifying"), QT_TR_NOOP("What was found until now stays"),
                   menu="proof"),
        ActionSpec("follow_upstream", QT_TR_NOOP("Follow upstream"),
                   QT_TR_NOOP("Walk the largest term from the chosen number to the loss"), "U", menu="proof",
                   separator=True),
        ActionSpec("clear_way", QT_TR_NOOP("Clear the way upstream"),
                   QT_TR_NOOP("Take the marks of the way off the canvas"), menu="proof"),
    )

    VIEW: tuple[ActionSpec, ...] = (
        ActionSpec("fit", QT_TR_NOOP("Fit graph"), QT_TR_NOOP("Show the whole graph"), "F Ctrl+0", icon="fit",
                   menu="view"),
        ActionSpec("zoom_in", QT_TR_NOOP("Zoom in"), QT_TR_NOOP("Come closer"), "Ctrl++ Ctrl+=", icon="zoom-in",
                   menu="view"),
        ActionSpec("zoom_out", QT_TR_NOOP("Zoom out"), QT_TR_NOOP("Go further away"), "Ctrl+-", icon="zoom-out",
                   menu="view"),
        ActionSpec("show_selection", QT_TR_NOOP("Go to the selected node"),
                   QT_TR_NOOP("Bring the selected node to the middle of the canvas"), "G", menu="view"),
        ActionSpec("clear_selection", QT_TR_NOOP("Select nothing"),
                   QT_TR_NOOP("Take off the marks, then the way upstream, then let go of the selected node"),
                   "Escape", menu="view"),
        ActionSpec("find_node", QT_TR_NOOP("Find nodes…"),
                   QT_TR_NOOP("Search the graph: type, module, name, shape, source line"), "Ctrl+F", icon="search",
                   menu="view", separator=True),
        ActionSpec("mark_all", QT_TR_NOOP("Mark all nodes"), QT_TR_NOOP("Look at all nodes together"), "Ctrl+A",
                   menu="view"),
        ActionSpec("mark_upstream", QT_TR_NOOP("Mark what is upstream"),
                   QT_TR_NOOP("All nodes whose gradients flow into the selected one"), "Shift+Up", menu="view"),
        ActionSpec("mark_downstream", QT_TR_NOOP("Mark what is downstream"),
                   QT_TR_NOOP("All nodes that the selected one's gradient flows on to"), "Shift+Down", menu="view"),
        ActionSpec("show_path", QT_TR_NOOP("Show the path between two nodes"),
                   QT_TR_NOOP("Mark every node on any way between the two marked nodes"), "P", menu="view"),
        ActionSpec("show_shortest_path", QT_TR_NOOP("Show the shortest path between two nodes"),
                   QT_TR_NOOP("Mark the nodes of one shortest way between the two marked nodes"), "Shift+P",
                   menu="view"),
        ActionSpec("compare", QT_TR_NOOP("Compare…"),
                   QT_TR_NOOP("Show two training steps, or two recordings, side by side with what is different"),
                   "Ctrl+Shift+D", menu="view", separator=True),
        ActionSpec("minimap", QT_TR_NOOP("Minimap"), QT_TR_NOOP("Show the whole of a large graph in the corner"),
                   "Ctrl+M", menu="view", checkable=True),
        ActionSpec("data_leaves", QT_TR_NOOP("Show data leaves"),
                   QT_TR_NOOP("Show what needs no gradient as nodes: inputs, targets, buffers, constants"), "Ctrl+D",
                   menu="view/leaves", checkable=True),
        ActionSpec("leaves_auto", QT_TR_NOOP("In small graphs"), QT_TR_NOOP("Show data leaves where there is room"),
                   menu="view/leaves", group="leaves", checkable=True, separator=True),
        ActionSpec("leaves_always", QT_TR_NOOP("Always"), QT_TR_NOOP("Show data leaves in every graph"),
                   menu="view/leaves", group="leaves", checkable=True),
        ActionSpec("leaves_never", QT_TR_NOOP("Never"), QT_TR_NOOP("Show only what gradients flow through"),
                   menu="view/leaves", group="leaves", checkable=True),
        ActionSpec("layout_layered", QT_TR_NOOP("Layered"), QT_TR_NOOP("Ranked from the loss, wrapped into columns"),
                   menu="view/layout", group="layout", checkable=True),
        ActionSpec("layout_multipartite", QT_TR_NOOP("Multipartite"), QT_TR_NOOP("NetworkX's multipartite_layout"),
                   menu="view/layout", group="layout", checkable=True),
        ActionSpec("layout_spring", QT_TR_NOOP("Spring"), QT_TR_NOOP("NetworkX's spring_layout"),
                   menu="view/layout", group="layout", checkable=True),
        ActionSpec("layout_kamada_kawai", QT_TR_NOOP("Kamada-Kawai"), QT_TR_NOOP("NetworkX's kamada_kawai_layout"),
                   menu="view/layout", group="layout", checkable=True),
        ActionSpec("layout_circular", QT_TR_NOOP("Circular"), QT_TR_NOOP("NetworkX's circular_layout"),
                   menu="view/layout", group="layout", checkable=True),
        ActionSpec("layout_spectral", QT_TR_NOOP("Spectral"), QT_TR_NOOP("NetworkX's spectral_layout"),
                   menu="view/layout", group="layout", checkable=True),
        ActionSpec("layout_dot", QT_TR_NOOP("Graphviz dot"), QT_TR_NOOP("The program dot, where it is installed"),
                   menu="view/layout", group="layout", checkable=True),
        ActionSpec("direction_down", QT_TR_NOOP("Loss at the top"), QT_TR_NOOP("The graph leads down from the loss"),
                   menu="view/layout", group="direction", checkable=True, separator=True),
        ActionSpec("direction_up", QT_TR_NOOP("Loss at the bottom"),
                   QT_TR_NOOP("The graph leads up from the loss: values run down, as in the program"),
                   menu="view/layout", group="direction", checkable=True),
        ActionSpec("direction_right", QT_TR_NOOP("Left to right"),
                   QT_TR_NOOP("The graph leads to the right from the loss"),
                   menu="view/layout", group="direction", checkable=True),
        ActionSpec("color_kind", QT_TR_NOOP("Kind"), QT_TR_NOOP("Fill nodes by what they are"),
                   menu="view/color", group="color", checkable=True),
        ActionSpec("color_norm", QT_TR_NOOP("Gradient norm"),
                   QT_TR_NOOP("Fill nodes by the norm of their gradients, on a log scale"),
                   menu="view/color", group="color", checkable=True),
        ActionSpec("color_ratio", QT_TR_NOOP("Gradient / value"),
                   QT_TR_NOOP("Fill nodes by the norm of their gradient against that of their value"),
                   menu="view/color", group="color", checkable=True),
        ActionSpec("color_time", QT_TR_NOOP("Time"),
                   QT_TR_NOOP("Fill nodes by how long they took, with the recording of them"),
                   menu="view/color", group="color", checkable=True),
        ActionSpec("color_memory", QT_TR_NOOP("Memory for backward"),
                   QT_TR_NOOP("Fill nodes by the bytes that they keep for their backward"),
                   menu="view/color", group="color", checkable=True),
        ActionSpec("color_proof", QT_TR_NOOP("Proof"), QT_TR_NOOP("Fill nodes by what is proved of them"),
                   menu="view/color", group="color", checkable=True),
        ActionSpec("color_module", QT_TR_NOOP("Module"), QT_TR_NOOP("Fill nodes by the module that they belong to"),
                   menu="view/color", group="color", checkable=True),
        ActionSpec("color_health", QT_TR_NOOP("Health of gradients"),
                   QT_TR_NOOP("Fill nodes by whether their gradient is NaN, infinite, exploding, vanishing or zero"),
                   menu="view/color", group="color", checkable=True),
        ActionSpec("expand_module", QT_TR_NOOP("Expand"),
                   QT_TR_NOOP("Open the chosen module, or double-click it; + on the canvas"), menu="view/modules"),
        ActionSpec("collapse_module", QT_TR_NOOP("Collapse"),
                   QT_TR_NOOP("Draw the module round the selected node as one node; − on the canvas"),
                   menu="view/modules"),
        ActionSpec("collapse_all", QT_TR_NOOP("Collapse all modules"),
                   QT_TR_NOOP("Draw each outermost module as one node"), "Alt+-", menu="view/modules",
                   separator=True),
        ActionSpec("collapse_level_1", QT_TR_NOOP("Collapse to level 1"),
                   QT_TR_NOOP("Open the outermost modules, collapse those in them"), menu="view/modules"),
        ActionSpec("collapse_level_2", QT_TR_NOOP("Collapse to level 2"),
                   QT_TR_NOOP("Open two levels of modules"), menu="view/modules"),
        ActionSpec("collapse_level_3", QT_TR_NOOP("Collapse to level 3"),
                   QT_TR_NOOP("Open three levels of modules"), menu="view/modules"),
        ActionSpec("collapse_level_4", QT_TR_NOOP("Collapse to level 4"),
                   QT_TR_NOOP("Open four levels of modules"), menu="view/modules"),
        ActionSpec("expand_all", QT_TR_NOOP("Expand all modules"), QT_TR_NOOP("Show every node"), "Alt+= Alt++",
                   menu="view/modules"),
        ActionSpec("fold_repeats", QT_TR_NOOP("Fold repeated modules"),
                   QT_TR_NOOP("Draw neighbouring modules that are made alike once, with their count"),
                   menu="view/modules", checkable=True, separator=True),
        ActionSpec("module_boxes", QT_TR_NOOP("Boxes"),
                   QT_TR_NOOP("Draw open modules as boxes; without, all nodes stand in one layout"),
                   menu="view/modules", checkable=True),
        ActionSpec("theme_system", QT_TR_NOOP("As the system"), QT_TR_NOOP("Follow the system's light or dark theme"),
                   menu="view/theme", group="theme", checkable=True),
        ActionSpec("theme_light", QT_TR_NOOP("Light theme"), QT_TR_NOOP("Dark text on light ground"),
                   menu="view/theme", group="theme", checkable=True),
        ActionSpec("theme_dark", QT_TR_NOOP("Dark theme"), QT_TR_NOOP("Light text on dark ground"),
                   menu="view/theme", group="theme", checkable=True),
        ActionSpec("motion_system", QT_TR_NOOP("As the system"),
                   QT_TR_NOOP("Move, unless the system asks for reduced motion"),
                   menu="view/motion", group="motion", checkable=True),
        ActionSpec("motion_full", QT_TR_NOOP("Move"), QT_TR_NOOP("Values and gradients travel along their edges"),
                   menu="view/motion", group="motion", checkable=True),
        ActionSpec("motion_reduced", QT_TR_NOOP("Stand still"), QT_TR_NOOP("Nothing moves; every event is shown done"),
                   menu="view/motion", group="motion", checkable=True),
        ActionSpec("show_source", QT_TR_NOOP("Source"), QT_TR_NOOP("Show or hide the source"), "Alt+1",
                   menu="view/panels", checkable=True),
        ActionSpec("show_console", QT_TR_NOOP("Console"), QT_TR_NOOP("Show or hide the script's output"), "Alt+2",
                   menu="view/panels", checkable=True),
        ActionSpec("show_inspector", QT_TR_NOOP("Inspector"), QT_TR_NOOP("Show or hide the inspector"), "Alt+3",
                   menu="view/panels", checkable=True),
        ActionSpec("show_parameters", QT_TR_NOOP("Parameters"), QT_TR_NOOP("Show or hide the parameters"), "Alt+4",
                   menu="view/panels", checkable=True),
        ActionSpec("show_charts", QT_TR_NOOP("Charts"), QT_TR_NOOP("Show or hide the charts"), "Alt+5",
                   menu="view/panels", checkable=True),
        ActionSpec("show_manual", QT_TR_NOOP("Manual ⇄ autograd"),
                   QT_TR_NOOP("Show or hide the step by hand beside autograd"), "Alt+6",
                   menu="view/panels", checkable=True),
        ActionSpec("show_optimizer", QT_TR_NOOP("Optimizer"),
                   QT_TR_NOOP("Show or hide the update taken apart"), "Alt+7",
                   menu="view/panels", checkable=True),
        ActionSpec("show_memory", QT_TR_NOOP("Memory"),
                   QT_TR_NOOP("Show or hide what is kept in memory for backward"), "Alt+8",
                   menu="view/panels", checkable=True),
        ActionSpec("reset_panels", QT_TR_NOOP("Reset panels"), QT_TR_NOOP("Put every panel back in its place"),
                   menu="view/panels", separator=True),
    )

    HELP: tuple[ActionSpec, ...] = (
        ActionSpec("command_palette", QT_TR_NOOP("Search everything…"),
                   QT_TR_NOOP("Find an action, or a node of the graph"), "Ctrl+K", icon="search", menu="help"),
        ActionSpec("show_shortcuts", QT_TR_NOOP("Keyboard shortcuts"), QT_TR_NOOP("List every shortcut"), "F1",
                   icon="keyboard", menu="help"),
        ActionSpec("about", QT_TR_NOOP("About chainrule"), QT_TR_NOOP("Version and licence"), menu="help",
                   separator=True),
    )


# fmt: on
ACTIONS: tuple[ActionSpec, ...] = (
    Table.FILE + Table.EDIT + Table.RUN + Table.STEP + Table.PROOF + Table.VIEW + Table.HELP
)
EXAMPLES = ("bow", "bow_manual", "resnet18")
TENSOR_LEVELS = ("full", "preview", "stats")
COLORS = tuple(spec.id.removeprefix("color_") for spec in ACTIONS if spec.group == "color")
LAYOUTS = tuple(spec.id.removeprefix("layout_") for spec in ACTIONS if spec.group == "layout")
DIRECTIONS: tuple[Direction, ...] = ("down", "up", "right")
THEMES = ("system", "light", "dark")
LEAVES = ("auto", "always", "never")
MOTIONS = ("system", "full", "reduced")
PANELS = ("source", "console", "inspector", "parameters", "charts", "manual", "optimizer", "memory")


def translate(text: str) -> str:
    """A string of the table in the user's language."""
    return QCoreApplication.translate(CONTEXT, text)


def menu_path(spec: ActionSpec) -> str:
    """Where the action stands, in words: "File / Examples"."""
    titles = dict(Table.MENUS)
    parts = spec.menu.split("/")
    prefixes = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    return " / ".join(translate(titles[prefix]).replace("&", "") for prefix in prefixes)


class Actions(QObject):
    """The table as `QAction`s: `actions["run"]`. Each has its id as `objectName` and belongs to `parent`."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._specs = {spec.id: spec for spec in ACTIONS}
        self._groups: dict[str, QActionGroup] = {}
        self._states: dict[str, tuple[bool, str]] = {}
        self._by_id = {spec.id: self._make(spec, parent) for spec in ACTIONS}

    def __getitem__(self, action_id: str) -> QAction:
        return self._by_id[action_id]

    def __iter__(self) -> Iterator[QAction]:
        return iter(self._by_id.values())

    def spec(self, action_id: str) -> ActionSpec:
        return self._specs[action_id]

    def tip(self, action_id: str) -> str:
        """Label, first shortcut and explanation."""
        return _tip(self._specs[action_id], self._by_id[action_id])

    def set_enabled(self, action_id: str, on: bool, reason: str = "") -> None:
        """Enable or disable; `reason` says, in the tooltip, why it can do nothing now."""
        if self._states.get(action_id) == (on, reason):
            return
        self._states[action_id] = (on, reason)
        action = self._by_id[action_id]
        action.setEnabled(on)
        action.setToolTip(self.tip(action_id) if on or not reason else f"{self.tip(action_id)}\n{reason}")

    def set_face(self, action_id: str, label: str, icon_name: str) -> None:
        """Another label and icon, as for a play button that has become a pause button."""
        action = self._by_id[action_id]
        action.setText(label)
        action.setIcon(icon(icon_name))

    def update_icons(self) -> None:
        """Draw all icons again, in the colours of the current theme."""
        for spec in ACTIONS:
            if spec.icon:
                self._by_id[spec.id].setIcon(icon(spec.icon))

    def _make(self, spec: ActionSpec, parent: QObject) -> QAction:
        action = QAction(translate(spec.label), parent)
        action.setObjectName(spec.id)
        action.setCheckable(spec.checkable)
        action.setShortcuts([QKeySequence(keys) for keys in spec.shortcuts.split()])
        action.setToolTip(_tip(spec, action))
        if spec.icon:
            action.setIcon(icon(spec.icon))
        if spec.group:
            if spec.group not in self._groups:
                self._groups[spec.group] = QActionGroup(parent)
            self._groups[spec.group].addAction(action)
        return action


def _tip(spec: ActionSpec, action: QAction) -> str:
    keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
    label = translate(spec.label).rstrip("…")
    return f"{label} ({keys})\n{translate(spec.tip)}" if keys else f"{label}\n{translate(spec.tip)}"


def build_menus(bar: QMenuBar, actions: Actions) -> dict[str, QMenu]:
    """Fill the menu bar; the menus come back by their path ("file", "file/examples")."""
    titles = dict(Table.MENUS)
    menus = {path: QMenu(translate(title), bar) for path, title in titles.items()}
    for path in titles:
        if "/" not in path:
            bar.addMenu(menus[path])
    for spec in ACTIONS:
        menu, parent = menus[spec.menu], menus[spec.menu.split("/")[0]]
        if menu is not parent and menu.isEmpty():
            parent.addMenu(menu)
        if spec.separator and not menu.isEmpty():
            menu.addSeparator()
        menu.addAction(actions[spec.id])
    entries = menus["file"].actions()
    line = entries[entries.index(menus["file/examples"].menuAction()) + 1]
    menus["file"].insertMenu(line, menus["file/recent"])
    for menu in menus.values():
        give_mnemonics(menu)
    return menus
