package live

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/wire"
)

// told is an alert as it was told last.
type told struct {
	key                 string
	start, crossed, end int64
	value               string // of a new value
	sum                 uint64 // of what the alert says
	touched             int64  // when it changed last, as steps count time
}

// maxTold bounds the alerts of a row that is read.
const maxTold = 1 << 20

func writeTold(w *wire.Writer, all []told) {
	w.Len(len(all))
	for _, t := range all {
		w.Text(t.key)
		w.Int(t.start)
		w.Int(t.crossed)
		w.Int(t.end)
		w.Text(t.value)
		w.Fixed(t.sum)
		w.Int(t.touched)
	}
}

func readTold(r *wire.Reader) []told {
	n := r.Len()
	if n > maxTold {
		r.Fail()
		return nil
	}
	var all []told
	for range n {
		if r.Err() != nil {
			return nil
		}
		all = append(all, told{r.Text(), r.Int(), r.Int(), r.Int(), r.Text(), r.Fixed(), r.Int()})
	}
	return all
}

// tell tells an alert under the key of the first of those that it continues, or under a
// new one, unless it was told as it is. texts tell a new one from all others.
func (s *step) tell(now told, continued []told, a rootkeep.Alert, taken []told, texts ...string) told {
	alert := Alert{Alert: a, DryRun: !slices.ContainsFunc(a.Rules, func(hit rootkeep.RuleHit) bool { return !s.e.trial(hit.Name) })}
	var before uint64
	if len(continued) > 0 {
		now.key, before, now.touched = continued[0].key, continued[0].sum, continued[0].touched
		for _, other := range continued[1:] {
			alert.Absorbed = append(alert.Absorbed, other.key)
		}
	} else {
		now.key = newKey(taken, texts)
		for _, hit := range a.Rules {
			s.e.count(hit.Name, now.start).Alerts++
		}
	}
	alert.Key, alert.ID = now.key, now.key
	if now.sum = sumOf(&alert); now.sum != before || len(alert.Absorbed) > 0 {
		now.touched = s.e.now
		s.e.changes.Alerts = append(s.e.changes.Alerts, alert)
	}
	return now
}

// newKey is one that none of the group's alerts has: an alert may have begun where this
// one does now.
func newKey(taken []told, texts []string) string {
	for i := 0; ; i++ {
		key := detect.AlertID(append(slices.Clone(texts), fmt.Sprint(i))...)
		if !slices.ContainsFunc(taken, func(t told) bool { return t.key == key }) {
			return key
		}
	}
}

// sumOf stands for what an alert says.
func sumOf(a *Alert) uint64 {
	text, err := json.Marshal(struct {
		rootkeep.Alert
		DryRun bool
	}{a.Alert, a.DryRun})
	if err != nil {
		return 0 // a number that JSON does not have: told each time
	}
	sum := sha256.Sum256(text)
	return binary.BigEndian.Uint64(sum[:]) | 1
}

// takeBack tells that there is no such alert.
func (s *step) takeBack(t told) {
	s.e.changes.Alerts = append(s.e.changes.Alerts, Alert{Key: t.key, Gone: true, Alert: rootkeep.Alert{ID: t.key}})
}

// firstID is the ID of the first event, which tells alerts apart that begin alike.
func firstID(a *rootkeep.Alert) string {
	if len(a.Events) == 0 {
		return ""
	}
	return a.Events[0].ID
}
