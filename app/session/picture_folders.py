"""Folders of pictures in the window: what each was taken for, and a person's word on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fetalnet.core.errors import InputError
from fetalnet.exam.identity import recording_ref
from fetalnet.exam.records import Exam, RecordingRef
from fetalnet.sources import Clip
from fetalnet.sources.listed_file import ListedFile
from fetalnet.sources.pictures.folder import TakenFor, looks_like

Restore = Callable[[RecordingRef, Path], tuple[Exam, str | None]]
"""The exam that was saved for a recording at a path, or a new one; with a sentence where there is something to say."""

OTHER = {TakenFor.RECORDING: TakenFor.STILLS, TakenFor.STILLS: TakenFor.RECORDING}
SWITCHES = {TakenFor.RECORDING: "One by one", TakenFor.STILLS: "As one recording"}
"""What the button says that takes a folder for the other; there is little room."""


@dataclass(frozen=True, slots=True)
class PictureFolder:
    """A folder of pictures, how many it holds, and what it was taken for."""

    path: Path
    pictures: int
    taken_for: TakenFor

    @property
    def text(self) -> str:
        """The same in a few words."""
        if self.taken_for is TakenFor.RECORDING:
            return f"{self.path.name}: {self.pictures} pictures as one recording"
        return f"{self.path.name}: {self.pictures} pictures, each a recording of its own"


class PictureFolders:
    """What folders of pictures were opened as, and what a person said of them, until the program ends."""

    def __init__(self) -> None:
        self.said: dict[Path, TakenFor] = {}
        self._known: dict[Path, PictureFolder] = {}
        self._switched: set[Path] = set()

    def of(self, recording: Path) -> PictureFolder | None:
        """The folder that a recording is, or is a still of."""
        return self._known.get(recording)

    def learn(self, clips: Sequence[Clip]) -> None:
        """Remember the clips of a listing."""
        self._known |= picture_folders_of(clips)

    def switched(self, folder: PictureFolder) -> dict[Path, TakenFor]:
        """What is said of all folders where this one is to be opened the other way."""
        self._switched.add(folder.path)
        return self.said | {folder.path: OTHER[folder.taken_for]}

    def opened(self, recording: Path) -> None:
        """A person's word is kept once it has opened: pictures of two sizes are no recording."""
        folder = self.of(recording)
        if folder is not None and folder.path in self._switched:
            self.said[folder.path] = folder.taken_for


class FolderJudge:
    """Says what a folder of pictures is taken for: as a person said, as it was decided about before, as it looks.

    ``notices`` are what there is to say of exams that were looked into.
    """

    def __init__(self, said: dict[Path, TakenFor], restore: Restore) -> None:
        self._said, self._restore = said, restore
        self._why: dict[Path, str] = {}
        self.notices: list[str] = []

    def judge(self, folder: Path, files: Sequence[ListedFile]) -> TakenFor:
        if folder in self._said:
            return self._said[folder]
        if self._was_decided_about(folder):
            self._why[folder] = "It was decided about as one recording before, and is opened as one again"
            return TakenFor.RECORDING
        taken_for = looks_like(files)
        if taken_for is TakenFor.RECORDING:
            self._why[folder] = "They are numbered and follow each other, so they are opened as one recording"
        elif len(files) > 1:
            self._why[folder] = "They do not look like one recording: each is opened alone, with a scale of its own"
        return taken_for

    def sentence(self, folder: PictureFolder | None) -> str | None:
        """Which a folder was taken for, why, and how to say that it is the other; None where a person said it."""
        why = None if folder is None else self._why.get(folder.path)
        if folder is None or why is None:
            return None
        switch = f"The button “{SWITCHES[folder.taken_for]}” above the list opens them the other way."
        return f"{folder.path.name} holds {folder.pictures} pictures. {why}. {switch}"

    def _was_decided_about(self, folder: Path) -> bool:
        """Whether a person decided anything in the recording of all its pictures: nobody's decisions vanish."""
        if not folder.is_dir():
            return False
        try:
            exam, notice = self._restore(recording_ref(folder, 0), folder)
        except InputError:
            return False  # whoever opens it says what is wrong
        self.notices += [notice] if notice else []
        return bool(exam.criteria) or any(each.decisions for each in exam.measurements)


def picture_folders_of(clips: Sequence[Clip]) -> dict[Path, PictureFolder]:
    """For each clip of a listing the folder of pictures that it is, or is a still of, where there is one."""
    stills = Counter(clip.folder for clip in clips if clip.folder is not None)
    found = {}
    for clip in clips:
        if clip.pictures > 1:
            found[clip.path] = PictureFolder(clip.path, clip.pictures, TakenFor.RECORDING)
        elif clip.folder is not None and stills[clip.folder] > 1:
            found[clip.path] = PictureFolder(clip.folder, stills[clip.folder], TakenFor.STILLS)
    return found
