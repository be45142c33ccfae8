"""Messages written by hand, for what no decent phone would send."""

from __future__ import annotations

from engine.sip.flow import Flow, Packet
from tests.kit.network import Address, Network

SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


def invite(
    source: Address,
    number: str,
    *,
    call: str = "raw",
    sender: str = "<sip:1@127.0.0.2>",
    contact: str = "",
    sdp: str = SDP,
) -> bytes:
    """An INVITE; `sender` and `contact`: From (without its tag) and Contact as they stand there."""
    contact = contact or f"<sip:1@{source[0]}:{source[1]}>"
    head = (
        f"INVITE sip:{number}@cordboard.invalid SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {source[0]}:{source[1]};branch=z9hG4bK-{call}\r\n"
        f"Max-Forwards: 70\r\nFrom: {sender};tag=1\r\nTo: <sip:{number}@cordboard.invalid>\r\n"
        f"Call-ID: {call}\r\nCSeq: 1 INVITE\r\nContact: {contact}\r\n"
        f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}"
    )
    return head.encode("utf-8", "surrogateescape")


class RawPhone:
    """Sends INVITEs by hand, ACKs what is accepted, answers 200 to what is asked of it, and remembers it all."""

    def __init__(self, network: Network, address: Address, engine: Address) -> None:
        self._network, self.address, self._engine = network, address, engine
        self.got: list[str] = []
        """The first line of everything that came, in order."""
        network.listen(address, self._on_packet)

    def send(self, data: bytes) -> None:
        self._network.carry(self.address, Packet(data, Flow("udp", *self._engine)))

    def invite(self, number: str, **odd: str) -> None:
        self.send(invite(self.address, number, **odd))

    def _on_packet(self, data: bytes) -> None:
        head = data.partition(b"\r\n\r\n")[0].decode("utf-8", "surrogateescape")
        first, *lines = head.split("\r\n")
        self.got.append(first)
        if first.startswith("SIP/2.0 2") and any(line.endswith(" INVITE") for line in lines):
            self.send(self._ack(lines))
        elif first.startswith("BYE"):
            copied = [
                line for line in lines if line.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")
            ]
            self.send(
                "\r\n".join(["SIP/2.0 200 OK", *copied, "Content-Length: 0", "", ""]).encode(
                    "utf-8", "surrogateescape"
                )
            )

    def _ack(self, lines: list[str]) -> bytes:
        copied = [line for line in lines if line.split(":")[0] in ("From", "To", "Call-ID")]
        via = f"Via: SIP/2.0/UDP {self.address[0]}:{self.address[1]};branch=z9hG4bK-{len(self.got)}-ack"
        ack = [f"ACK sip:{self._engine[0]} SIP/2.0", via, "Max-Forwards: 70", *copied, "CSeq: 1 ACK", "", ""]
        return "\r\n".join(ack).encode("utf-8", "surrogateescape")
