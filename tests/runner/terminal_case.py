"""What the tests of terminals share."""
from runner_case import RunnerCase
from runner_protocol import RunnerError
from terminal_protocol import Terminals

RAW = "stty raw -echo; printf 'ready.'; "  # typed bytes come as they are; what is waited for is not echoed


class TerminalCase(RunnerCase):
    def setUp(self):
        super().setUp()
        self.terminals = Terminals(self.client)

    def run_to_end(self, command="", **options):
        opened = self.terminals.open(command, **options)
        return self.terminals.ended(opened.terminal)

    def refused(self, number, step, call, *arguments, **options):
        with self.assertRaises(RunnerError) as caught:
            call(*arguments, **options)
        self.assertEqual((caught.exception.number, caught.exception.step), (number, step))
        return caught.exception.message
