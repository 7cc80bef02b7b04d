package seen

import (
	"math/bits"
	"sync"
)

const (
	chunkEntries = 256 // 4,864 bytes, which the allocator rounds up to nothing more
	entryBytes   = 19
	placeBytes   = 4
	bucketPlaces = 16 // one cache line
	maxLoad      = 95 // percent of the places in use

	// A shard's table quadruples while a thirty-second of the budget is used, doubles
	// up to an eighth, and grows by a quarter until a quarter is left. Then it grows by
	// a sixteenth, so that it ends at 19 + 4/0.95*17/16 = 23.5 bytes an event, and half
	// a chunk for each shard. Beyond the budget, where only what matters is stored, it
	// grows by an eighth: 23.7 bytes, and half the work.
	coarse, beyond, fine = 4, 8, 16
)

// shard is a log of entries in the order in which they came, and a table of their
// places in it. The table is a fifth of the whole, so a look at it is one cache
// miss, and few of them go to memory; a new event touches nothing else but the
// end of the log.
type shard struct {
	mu    sync.Mutex // guards what follows
	table []uint32   // buckets of places, counted from 1, under some bits of the hash; 0 is free
	shift int        // how far to the left those bits stand
	log   []*[chunkEntries]entry
	used  int

	touched uint32   // what addAll loaded ahead: a sum that nobody reads
	_       [40]byte // the next shard's mutex lies on another cache line
}

// addAll adds several events. It touches all their buckets first, so that the
// cache misses overlap.
func (t *shard) addAll(s *Set, hashes []uint64, entries []entry, verdicts []Verdict) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, hash := range hashes {
		if len(t.table) > 0 {
			t.touched += t.table[t.bucket(hash)*bucketPlaces]
		}
	}
	for i, hash := range hashes {
		verdicts[i] = t.add(s, hash, &entries[i])
	}
}

// add looks for the event and stores it. Unknown means that there is no room.
func (t *shard) add(s *Set, hash uint64, e *entry) Verdict {
	free, known := t.find(hash, e)
	if known != nil {
		if known.mark == e.mark {
			return Duplicate
		}
		return Altered
	}
	matters := e.mark != 0
	if !matters && s.full.Load() {
		return Unknown
	}
	if (t.used+1)*100 > len(t.table)*maxLoad {
		if !t.grow(s, matters) {
			return Unknown
		}
		free, _ = t.find(hash, e)
	}
	if t.used == len(t.log)*chunkEntries {
		if !s.take(chunkEntries*entryBytes, matters) {
			return Unknown
		}
		t.log = append(t.log, new([chunkEntries]entry))
	}
	*t.at(t.used) = *e
	t.used++
	t.table[free] = uint32(hash)<<t.shift | uint32(t.used)
	return Fresh
}

// at is an entry of the log, counted from 0.
func (t *shard) at(i int) *entry { return &t.log[i/chunkEntries][i%chunkEntries] }

// find returns the event, or nil and the free place in the table where it
// belongs. Buckets fill from the front, and a full one goes over into the next.
func (t *shard) find(hash uint64, e *entry) (free int, known *entry) {
	buckets := len(t.table) / bucketPlaces
	if buckets == 0 {
		return 0, nil
	}
	tag := uint32(hash) << t.shift
	for b := t.bucket(hash); ; {
		bucket := (*[bucketPlaces]uint32)(t.table[b*bucketPlaces:])
		for i, place := range bucket {
			if place == 0 {
				return b*bucketPlaces + i, nil
			}
			if place>>t.shift == tag>>t.shift {
				at := t.at(int(place&(1<<t.shift-1)) - 1)
				if at.id == e.id && at.account == e.account {
					return 0, at
				}
			}
		}
		if b++; b == buckets {
			b = 0
		}
	}
}

// bucket is where the search for an event begins.
func (t *shard) bucket(hash uint64) int {
	high, _ := bits.Mul64(hash<<shardBits, uint64(len(t.table)/bucketPlaces)) // its top bits chose the shard
	return int(high)
}

// grow enlarges the table; false when the budget is used up.
func (t *shard) grow(s *Set, matters bool) bool {
	size := len(t.table) + t.growth(s.left.Load(), s.budget)*bucketPlaces
	if !s.take((size-len(t.table))*placeBytes, matters) {
		return false
	}
	t.table, t.shift = make([]uint32, size), bits.Len(uint(size))
	for i := range t.used {
		e := t.at(i)
		hash := e.hash(s.keys)
		t.table[t.freeFor(hash)] = uint32(hash)<<t.shift | uint32(i+1)
	}
	return true
}

// growth is by how many buckets the table grows when so much of the budget is left.
func (t *shard) growth(left, budget int64) int {
	buckets := len(t.table) / bucketPlaces
	switch {
	case left > budget/32*31:
		return max(3*buckets, 1)
	case left > budget/8*7:
		return max(buckets, 1)
	case left > budget/4:
		return max(buckets/coarse, 1)
	case left < 0:
		return max(buckets/beyond, 1)
	}
	return max(buckets/fine, 1)
}

// freeFor is the place of an event that is known to be absent.
func (t *shard) freeFor(hash uint64) int {
	for i := t.bucket(hash) * bucketPlaces; ; {
		if t.table[i] == 0 {
			return i
		}
		if i++; i == len(t.table) {
			i = 0
		}
	}
}
