package live_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/detect/live"
)

// FuzzRows gives an engine hostile rows for all that it asks for. It must go on: what
// cannot be read begins anew and is said.
func FuzzRows(f *testing.F) {
	pack := everyType(f)
	_, bases := shipped(f)
	var calls []record
	for i, name := range []string{"Describe1", "Describe2", "Describe3"} {
		for j := range 6 {
			calls = append(calls, event(f, bases, "assumed-root-call", uuid(10*i+j), time.Duration(j)*7*time.Minute, map[string]any{
				"eventSource": "ec2.amazonaws.com", "eventName": name, "requestParameters.name": name, "requestParameters.size": j,
			}))
		}
	}
	s := newStore()
	w := newWatch(f, pack, s, live.Options{})
	for _, one := range calls {
		w.observe(one)
	}
	w.step(monday.Unix())
	w.step(monday.Add(live.DefaultLateness + 20*time.Minute).Unix()) // windows with an open episode
	var rows [][]byte
	for _, row := range s.rows {
		rows = append(rows, row.Data)
	}
	slices.SortFunc(rows, slices.Compare[[]byte])
	for _, data := range rows {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := live.New(pack, live.Options{
			Load: func(_ context.Context, keys []string) (map[string][]byte, error) {
				found := map[string][]byte{}
				for _, key := range keys {
					found[key] = data
				}
				return found, nil
			},
			Due: func(_ context.Context, _ int64, after string, _ int) ([]string, error) {
				var keys []string
				for key := range s.rows {
					if key > after {
						keys = append(keys, key)
					}
				}
				slices.Sort(keys)
				return keys, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		w := &watch{t, e, readerOf(t, e), newStore()}
		for _, one := range calls[len(calls)-7:] {
			w.observe(one)
		}
		w.step(monday.Unix())
		w.step(monday.Add(3 * live.DefaultLateness).Unix())
	})
}
