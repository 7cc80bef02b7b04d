package live

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/wire"
)

// copies are the records that came with one account and event ID, as far as one group
// goes.
type copies []struct{ rules, verdict, content uint64 }

// maxCopies is how many different ones are remembered; further ones are judged each
// time they come.
const maxCopies = 16

const seenVersion = 1

// seenKey is the key of the row that remembers an event in a group. It begins with that of
// the group's row: a store finds both in the same place, and forgets both with a rule that
// was changed. An event without an ID is told apart by its place, as a hunt counts each that
// it reads; "" for one without either, which nothing can be compared with.
func (p *pending) seenKey(s *share) string {
	var told []byte
	switch {
	case p.ID != "":
		told = sum("event", strings.ToLower(p.Account), strings.ToLower(p.ID))
	case p.place != "":
		told = sum("place", p.place)
	default:
		return ""
	}
	return cmp.Or(s.row, "e") + "/" + short(told, 12)
}

func readCopies(data []byte) (copies, error) {
	if data == nil {
		return nil, nil
	}
	r := wire.NewReader(data, seenVersion)
	all := make(copies, r.Len())
	for i := range all {
		all[i].rules, all[i].verdict, all[i].content = r.Fixed(), r.Fixed(), r.Fixed()
	}
	return all, r.Close()
}

func (c copies) row(key string, until int64) Row {
	w := wire.NewWriter(seenVersion)
	w.Len(len(c))
	for _, one := range c {
		w.Fixed(one.rules)
		w.Fixed(one.verdict)
		w.Fixed(one.content)
	}
	return Row{Key: key, Data: w.Bytes(), Until: until, Due: never}
}

// has says that a copy of the record was counted: the same rules matched it or, if the
// rules were others then, it said the same.
func (c copies) has(rules uint64, p *pending) bool {
	for _, one := range c {
		if one.rules == rules && one.verdict == p.Verdict || one.rules != rules && one.content == p.Content {
			return true
		}
	}
	return false
}

// fresh says whether a record is to be counted in a group, and remembers it.
func (s *step) fresh(p *pending, one *share) (fresh, altered bool) {
	key := p.seenKey(one)
	if key == "" {
		return true, false
	}
	known, ok := s.seen[key]
	if !ok {
		var err error
		if known, err = readCopies(s.found[key]); err != nil {
			s.unreadable(key, err)
			known = nil
		}
	}
	if known.has(s.e.generation, p) {
		s.seen[key] = known
		return false, false
	}
	altered = len(known) > 0
	if len(known) < maxCopies {
		known = append(known, struct{ rules, verdict, content uint64 }{s.e.generation, p.Verdict, p.Content})
		s.met[key] = max(s.e.now, p.Time)
	}
	s.seen[key] = known
	return true, altered
}

// keepSeen stores what was met. An event is known for as long as it may come again,
// counted from when it came by the wall clock or, where that is not told, from how far time
// had come or when it happened.
func (s *step) keepSeen() {
	var came int64
	if s.e.options.Now != nil {
		came = s.e.options.Now().Unix()
	}
	for _, key := range slices.Sorted(maps.Keys(s.met)) {
		until := int64(never)
		if at := max(s.met[key], came); at > 0 {
			until = at + int64((s.e.options.Lateness+Redelivery)/time.Second)
		}
		s.remember(s.seen[key].row(key, until))
	}
}
