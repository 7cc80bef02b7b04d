package correlate

import (
	"math"
	"math/big"
	"slices"
	"sort"

	"github.com/rootkeep/rootkeep/sigma"
)

// aggregate computes what a condition compares over the marks in a window.
type aggregate interface {
	add(m mark)
	remove(m mark)
	// value is judged at the marks of one second, which are the last ones added.
	value(now []mark) float64
}

// newAggregate makes the aggregate of a type. all are the marks that will come.
func newAggregate(spec *sigma.Correlation, lowest bool, all []mark) aggregate {
	switch spec.Type {
	case sigma.ValueCount, sigma.Temporal:
		return distinct{map[key]int{}, len(spec.Needs) > 0}
	case sigma.TemporalOrdered:
		return newChain(len(spec.Inputs), seconds(spec.Timespan))
	case sigma.ValueSum, sigma.ValueAvg:
		return &sum{average: spec.Type == sigma.ValueAvg}
	case sigma.ValuePercentile:
		if spec.Percentile == 0 {
			return &share{counts: map[key]int{}, lowest: lowest}
		}
		return newRank(spec.Percentile, all)
	default:
		return new(tally)
	}
}

// tally counts events.
type tally struct{ n int }

func (a *tally) add(m mark)           { a.n += int(m.n) }
func (a *tally) remove(m mark)        { a.n -= int(m.n) }
func (a *tally) value([]mark) float64 { return float64(a.n) }

// distinct counts keys, holding the number of marks of each. One that needs a rule counts
// none without a mark of neededKey, which is no value.
type distinct struct {
	marks map[key]int
	needs bool
}

func (a distinct) add(m mark) {
	if !m.bare {
		a.marks[m.key]++
	}
}

func (a distinct) remove(m mark) {
	if m.bare {
		return
	}
	if a.marks[m.key]--; a.marks[m.key] == 0 {
		delete(a.marks, m.key)
	}
}

func (a distinct) value([]mark) float64 {
	switch {
	case !a.needs:
		return float64(len(a.marks))
	case a.marks[neededKey] == 0:
		return 0
	}
	return float64(len(a.marks) - 1)
}

// chain counts how many rules, from the first on, matched in order. started[i] is
// the latest beginning of a sequence of rules 0 to i: the sequence lies in the
// window as long as its beginning does. Marks of one second come in the order of
// their rules, which makes ties satisfied.
type chain struct {
	started []int64
	width   int64
}

func newChain(rules int, width int64) *chain {
	a := &chain{make([]int64, rules), width}
	for i := range a.started {
		a.started[i] = math.MinInt64
	}
	return a
}

func (a *chain) add(m mark) {
	rule := m.key.rule()
	if rule == 0 {
		a.started[0] = m.t
		return
	}
	a.started[rule] = max(a.started[rule], a.started[rule-1])
}

func (a *chain) remove(mark) {}

func (a *chain) value(now []mark) float64 {
	n := 0
	for n < len(a.started) && a.started[n] > now[0].t-a.width {
		n++
	}
	return float64(n)
}

// sum adds numbers without rounding, so that a number leaves the window as
// exactly as it came.
type sum struct {
	total, term, times big.Float
	n                  int
	average            bool
}

// exactly is a precision, in bits, that holds any sum of float64 values: they
// span 2^-1074 to 2^1024, and no slice has 2^62 of them.
const exactly = 1074 + 1024 + 62

func (a *sum) add(m mark) {
	a.weigh(m)
	a.total.SetPrec(exactly).Add(&a.total, &a.term)
	a.n += int(m.n)
}

func (a *sum) remove(m mark) {
	a.weigh(m)
	a.total.SetPrec(exactly).Sub(&a.total, &a.term)
	a.n -= int(m.n)
}

func (a *sum) weigh(m mark) {
	a.term.SetPrec(exactly).SetFloat64(m.key.number())
	a.term.Mul(&a.term, a.times.SetInt64(int64(m.n)))
}

func (a *sum) value([]mark) float64 {
	x, _ := a.total.Float64()
	x = min(max(x, -math.MaxFloat64), math.MaxFloat64) // JSON has no infinity
	if a.average {
		x /= float64(a.n)
	}
	return x
}

// rank finds a percentile by its nearest rank. tree is a Fenwick tree of how
// often each of the numbers is in the window.
type rank struct {
	percentile float64
	numbers    []float64 // distinct, ascending
	tree       []int     // tree[i] counts numbers[i-lowbit(i) : i]
	n          int
}

func newRank(percentile float64, all []mark) *rank {
	numbers := make([]float64, 0, len(all))
	for _, m := range all {
		numbers = append(numbers, m.key.number())
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	return &rank{percentile: percentile, numbers: numbers, tree: make([]int, len(numbers)+1)}
}

func (a *rank) add(m mark)    { a.count(m.key.number(), int(m.n)) }
func (a *rank) remove(m mark) { a.count(m.key.number(), -int(m.n)) }

func (a *rank) count(x float64, n int) {
	a.n += n
	for i := sort.SearchFloat64s(a.numbers, x) + 1; i < len(a.tree); i += i & -i {
		a.tree[i] += n
	}
}

func (a *rank) value([]mark) float64 {
	before := nearestRank(a.percentile, a.n) - 1 // numbers to pass over
	i, step := 0, 1
	for 2*step < len(a.tree) {
		step *= 2
	}
	for ; step > 0; step /= 2 {
		if next := i + step; next < len(a.tree) && a.tree[next] <= before {
			i = next
			before -= a.tree[next]
		}
	}
	return a.numbers[i]
}

// nearestRank is ceil(percentile/100*n), from 1 to n. A product that is whole but
// for rounding (99.9% of 1,000) is taken as whole.
func nearestRank(percentile float64, n int) int {
	r := int(math.Ceil(percentile/100*float64(n) - 1e-9))
	return min(max(r, 1), n)
}

// share is the part of the window, in percent, that the value of a mark makes up:
// of the values of one second the rarest when the condition has only upper
// bounds, the most frequent otherwise.
type share struct {
	counts map[key]int
	n      int
	lowest bool
}

func (a *share) add(m mark) {
	a.counts[m.key] += int(m.n)
	a.n += int(m.n)
}

func (a *share) remove(m mark) {
	a.n -= int(m.n)
	if a.counts[m.key] -= int(m.n); a.counts[m.key] == 0 {
		delete(a.counts, m.key)
	}
}

func (a *share) value(now []mark) float64 {
	telling := a.counts[now[0].key]
	for _, m := range now[1:] {
		if a.lowest {
			telling = min(telling, a.counts[m.key])
		} else {
			telling = max(telling, a.counts[m.key])
		}
	}
	return 100 * float64(telling) / float64(a.n)
}
