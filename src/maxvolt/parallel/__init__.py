"""Work shared among processes that MPI has started.

One process, the head, runs the program; the others are its helpers, wait for requests and answer
them. So everything is decided, written and shown at one place. Two kinds of work are shared:

`Ranks.place` puts fixed blocks of data to the processes, where they stay for work after work, as
the portions of a training set do; sums over them are added up in the order of the blocks, whoever
has computed them. `Ranks.stream` hands out items one by one to whoever is free.

`ranks` and `blocks` are the interface, with a stand-in for one process; `launcher` recognises that
MPI has started several and `session` brings them together. The rest runs there alone: `messages`
between processes, `store` (the blocks of one of them), `ordered_sums`, `head`, `stream`, `helper`.
"""
