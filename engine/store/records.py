from dataclasses import dataclass
from typing import Any
class R:
    def __init__(self, **kw): pass
ConversationEnded=ConversationStarted=PhaseEntered=RecordingWhole=R
