"""What the program does in each act: functions of the workshop, the step, the state, and who can be asked.

Each returns public facts for the journal, or raises EscrowError, StepError, Aborted.
"""
