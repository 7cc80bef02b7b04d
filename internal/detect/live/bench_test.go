package live_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/live"
)

// nowhere keeps rows without counting as memory of the engine: it forgets them.
func nowhere() live.Options {
	return live.Options{
		Load: func(context.Context, []string) (map[string][]byte, error) { return nil, nil },
		Due:  func(context.Context, int64, string, int) ([]string, error) { return nil, nil },
	}
}

// BenchmarkPrincipals has each record come from another principal: with -benchtime
// 1000000x a million of them.
func BenchmarkPrincipals(b *testing.B) {
	pack, bases := shipped(b)
	one := event(b, bases, "list-users-denied", uuid(0), 0, map[string]any{"userIdentity.type": "AssumedRole", "userIdentity.sessionContext.sessionIssuer.arn": "arn:aws:iam::111122223333:role/number-0000000"})
	run(b, pack, func(i int) []byte {
		raw := bytes.Replace(one.raw, []byte("number-0000000"), fmt.Appendf(nil, "number-%07d", i), 1)
		raw = bytes.Replace(raw, []byte(monday.Format(time.RFC3339)), monday.Add(time.Duration(i/20)*time.Second).AppendFormat(nil, time.RFC3339), 1)
		return bytes.Replace(raw, []byte(uuid(0)), []byte(uuid(i)), 1)
	})
}

// BenchmarkUnmatched has records that no rule matches.
func BenchmarkUnmatched(b *testing.B) {
	pack, bases := shipped(b)
	one := event(b, bases, "assumed-root-call", uuid(0), 0, map[string]any{"userIdentity.type": "AssumedRole", "eventName": "DescribeNothing"})
	run(b, pack, func(int) []byte { return one.raw })
}

// BenchmarkOneCaller has one caller do it all: its rows grow.
func BenchmarkOneCaller(b *testing.B) {
	pack, bases := shipped(b)
	e := event(b, bases, "get-secret-value", uuid(0), 0, nil)
	var fields map[string]any
	if err := json.Unmarshal(e.raw, &fields); err != nil {
		b.Fatal(err)
	}
	run(b, pack, func(i int) []byte {
		fields["eventID"], fields["eventTime"] = uuid(i), monday.Add(time.Duration(i/20)*time.Second).Format(time.RFC3339)
		raw, err := json.Marshal(fields)
		if err != nil {
			b.Fatal(err)
		}
		return raw
	})
}

// run steps every 1,000 records, 20 records a second.
func run(b *testing.B, pack *detect.Pack, raw func(int) []byte) {
	const step = 1_000
	e, err := live.New(pack, nowhere())
	if err != nil {
		b.Fatal(err)
	}
	reader, ctx := readerOf(b, e), context.Background()
	rows, before := 0, heap()
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		rec, err := reader.One(raw(i))
		if err == nil {
			err = e.Observe(ctx, rec, "object", 0)
		}
		if err == nil && (i%step == step-1 || i == b.N-1) {
			var c live.Changes
			at := monday.Add(time.Duration(i/20) * time.Second)
			c, err = e.Step(ctx, live.Reach{Time: at, Whole: at})
			rows += len(c.Rows)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(rows)/float64(b.N), "rows/event")
	b.ReportMetric(float64(heap()-before)/(1<<20), "MB")
	runtime.KeepAlive(e)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
