"""Moving along the recording and analysing it."""

from __future__ import annotations

from app.actions.host import ActionHost
from app.workers.player import SPEEDS
from fetalnet.core.planes import KINDS_OF, Plane


class Playing:
    """Verbs of the Play menu."""

    def __init__(self, window: ActionHost) -> None:
        self.window, self.session = window, window.session

    def play(self) -> None:
        if self.session.player is not None:
            self.session.player.toggle()

    def step_back(self) -> None:
        self._step(-1)

    def step_forward(self) -> None:
        self._step(1)

    def _step(self, frames: int) -> None:
        if self.session.player is not None:
            self.session.player.step(frames)

    def to_start(self) -> None:
        self.session.seek(0)

    def to_end(self) -> None:
        if self.session.recording is not None:
            self.session.seek(len(self.session.recording) - 1)

    def loop(self, on: bool) -> None:
        self.window.settings.loop = on
        if self.session.player is not None:
            self.session.player.set_loop(on)

    def slower(self) -> None:
        self._change_speed(-1)

    def faster(self) -> None:
        self._change_speed(1)

    def _change_speed(self, steps: int) -> None:
        if self.session.player is not None:
            at = SPEEDS.index(self.session.player.state.speed) + steps
            self.set_speed(SPEEDS[min(max(at, 0), len(SPEEDS) - 1)])

    def set_speed(self, speed: float) -> None:
        if self.session.player is not None:
            self.session.player.set_speed(speed)

    def best_head(self) -> None:
        self.go_to_best(Plane.HEAD)

    def best_abdomen(self) -> None:
        self.go_to_best(Plane.ABDOMEN)

    def best_femur(self) -> None:
        self.go_to_best(Plane.FEMUR)

    def go_to_best(self, plane: Plane) -> None:
        kinds = KINDS_OF[plane]
        self.session.go_to(self.session.selected if self.session.selected in kinds else kinds[0])

    def previous_best(self) -> None:
        self._go_along(-1)

    def next_best(self) -> None:
        self._go_along(1)

    def _go_along(self, direction: int) -> None:
        """To the next best frame in this direction, beginning again at the other end."""
        best = self.session.best_frames()
        if not best or self.session.frame is None:
            return
        now = self.session.frame.index
        ahead = [item for item in best if (item[1] - now) * direction > 0]
        plane, _ = (ahead or best)[0 if direction > 0 else -1]
        self.go_to_best(plane)

    def analyse(self) -> None:
        """Go on where the analysis was stopped; once it is complete, or of other weights, begin anew."""
        self.window.notification.withdraw()
        anew = not self.session.analysis.goes_on
        if anew:
            self.window.timeline.forget()
        self.session.analyse(anew=anew)

    def cancel_analysis(self) -> None:
        self.session.analysis.cancel()
