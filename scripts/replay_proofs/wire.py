"""A debugger's connection for proofs: what `replaying.Remote` has, and Ctrl-C, memory and registers."""

from replaying import Remote


class Stub(Remote):
    def interrupt(self) -> None:
        """What Ctrl-C sends."""
        self.socket.sendall(b"\x03")

    def registers(self) -> str:
        return self.ask("g")

    def counter(self) -> int:
        """RIP: the seventeenth of the numbers of eight bytes."""
        return self.word(16 * 8)

    def memory(self, address: int, count: int) -> bytes | None:
        """Nil if it can't be read."""
        answer = self.ask(f"m{address:x},{count:x}")
        return None if answer.startswith("E") or len(answer) != 2 * count else bytes.fromhex(answer)
