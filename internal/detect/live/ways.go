package live

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate"
)

// way is how matches come into an alert of a correlation: the correlation itself, or
// one that feeds it, directly or through others. Each way has windows of its own, and
// they are kept where the outermost group is: what belongs to one alert is in one
// place.
type way struct {
	correlation int
	outer       *way // nil for the correlation that alerts
	input       int  // of outer
	depth       int
	id          string // stands for what its windows mean
	name        string // of the correlation that alerts
	silent      bool   // its windows ask for silence, themselves or by what feeds them
}

// ways are all of a pack.
type ways struct {
	all   []*way
	of    [][]*way        // by correlation number
	by    map[string]*way // by id
	depth int             // of the deepest
}

// maxWays bounds correlations that feed each other in every combination.
const maxWays = 10_000

func newWays(pack *detect.Pack) (*ways, error) {
	correlations := pack.Set.Correlations()
	w := &ways{of: make([][]*way, len(correlations)), by: map[string]*way{}}
	for i, c := range correlations {
		if c.Alerts {
			identity := pack.Identity(i)
			w.add(pack, &way{correlation: i, name: detect.RuleName(&c.Header)}, identity[:])
		}
	}
	if len(w.all) > maxWays {
		return nil, fmt.Errorf("live: correlations feed each other in %d ways, more than %d; hint: refer to fewer correlations", len(w.all), maxWays)
	}
	return w, nil
}

// add takes a way and those that feed it.
func (w *ways) add(pack *detect.Pack, one *way, identity []byte) {
	if len(w.all) > maxWays {
		return
	}
	one.id = short(identity, 8)
	one.silent = silent(pack.Set.Correlations(), one.correlation)
	w.all, w.depth = append(w.all, one), max(w.depth, one.depth)
	w.of[one.correlation] = append(w.of[one.correlation], one)
	w.by[one.id] = one
	for i, in := range pack.Set.Correlations()[one.correlation].Inputs {
		if in.Correlation < 0 {
			continue
		}
		below := sha256.Sum256(fmt.Appendf(slices.Clone(identity), "%d", i))
		w.add(pack, &way{correlation: in.Correlation, outer: one, input: i, depth: one.depth + 1, name: one.name}, below[:])
	}
}

// silent says that a correlation, or one that feeds it, is an absence.
func silent(all []*sigma.Correlation, number int) bool {
	return all[number].Type == sigma.Absence || slices.ContainsFunc(all[number].Inputs, func(in sigma.Input) bool {
		return in.Correlation >= 0 && silent(all, in.Correlation)
	})
}

// row is the key of the row of a group.
func (w *way) row(group string) string { return "w/" + w.id + "/" + digest("window", group) }

// outermost is the key of the group of the alerting correlation that a group leads to.
func (w *way) outermost(pack *detect.Pack, group string) (*way, string) {
	for w.outer != nil {
		group = correlate.Through(pack.Set.Correlations()[w.outer.correlation], w.input, group)
		w = w.outer
	}
	return w, group
}

// hash is what the group goes by among several engines.
func (w *way) hash(pack *detect.Pack, group string) uint64 {
	root, group := w.outermost(pack, group)
	return hashOf(root.id, group)
}

// wayOf finds the way of a key that row made; nil of any other key, such as that of an event
// in the group.
func (w *ways) wayOf(key string) *way {
	const head = len("w/")
	size, group := base64.RawURLEncoding.EncodedLen(8), base64.RawURLEncoding.EncodedLen(16)
	if len(key) != head+size+len("/")+group || key[:head] != "w/" {
		return nil
	}
	return w.by[key[head:head+size]]
}

func sum(texts ...string) []byte {
	h := sha256.New()
	for _, text := range texts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		h.Write([]byte(text))
	}
	return h.Sum(nil)
}

// digest stands for texts in a key.
func digest(texts ...string) string { return short(sum(texts...), 16) }

func hashOf(texts ...string) uint64 { return binary.BigEndian.Uint64(sum(texts...)) }

func short(sum []byte, bytes int) string { return base64.RawURLEncoding.EncodeToString(sum[:bytes]) }
