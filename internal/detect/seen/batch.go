package seen

import "encoding/binary"

// Batch adds the events of one worker to a set a few at a time. A look at the set
// waits for memory; looks that stand together wait together. T is what the worker
// needs to go on with an event when its verdict is known.
type Batch[T any] struct {
	set     *Set
	settle  func(event *T, id ID, v Verdict)
	waiting [shards]waiting[T]
}

// waitingEvents is how many events of one shard are looked up at once: more than
// a processor can fetch lines of memory for at the same time gain nothing.
const waitingEvents = 16

type waiting[T any] struct {
	used    int
	entries [waitingEvents]entry
	hashes  [waitingEvents]uint64
	events  [waitingEvents]T
}

// NewBatch makes a batch that calls settle once for each event, in any order.
func NewBatch[T any](s *Set, settle func(event *T, id ID, v Verdict)) *Batch[T] {
	return &Batch[T]{set: s, settle: settle}
}

// Add takes one event; the parameters are those of Set.Add. It returns false for
// the rare event that has no UUID or no numbered account, which is for Set.Add.
func (b *Batch[T]) Add(number Account, id []byte, mark Mark, event *T) bool {
	e := entry{mark: mark}
	if number == 0 || !parseUUID(&e.id, id) {
		return false
	}
	binary.LittleEndian.PutUint16(e.account[:], uint16(number))
	hash := e.hash(b.set.keys)
	shard := int(hash >> (64 - shardBits))
	w := &b.waiting[shard]
	w.entries[w.used], w.hashes[w.used], w.events[w.used] = e, hash, *event
	if w.used++; w.used == waitingEvents {
		b.look(shard)
	}
	return true
}

// Flush settles all events that still wait.
func (b *Batch[T]) Flush() {
	for i := range b.waiting {
		b.look(i)
	}
}

// look settles the events of one shard.
func (b *Batch[T]) look(number int) {
	w := &b.waiting[number]
	var verdicts [waitingEvents]Verdict
	b.set.shards[number].addAll(b.set, w.hashes[:w.used], w.entries[:w.used], verdicts[:w.used])
	for i := range w.used {
		b.settle(&w.events[i], ID(w.entries[i].id), verdicts[i])
	}
	w.used = 0
}
