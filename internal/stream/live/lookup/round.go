package lookup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/rootkeep/rootkeep/internal/stream/live"

	trail "github.com/rootkeep/rootkeep/cloudtrail"
)

const (
	callTimeout = time.Minute // with all attempts
	mostPages   = 20_000      // of one attribute in one round: a million events
)

// round asks every place once.
type round struct {
	*Source
	mark  mark
	back  time.Duration
	begun time.Time
	take  func(context.Context, live.Delivery) error

	mu        sync.Mutex // guards what follows; take is called by one at a time
	failed    []Place
	delivered int
	err       error // of take
}

// run asks the places, some at a time. A place that fails keeps no other waiting: it
// stays behind, and is asked for more by the next round.
func (r *round) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	places := make(chan Place)
	var all sync.WaitGroup
	for range min(atOnce, len(r.config.Places)) {
		all.Go(func() {
			for p := range places {
				if err := r.place(ctx, p); err != nil {
					r.fail(ctx, p, err)
				} else {
					r.pass(p)
				}
				if r.broken() != nil {
					stop()
				}
			}
		})
	}
	for _, p := range r.config.Places {
		if ctx.Err() != nil {
			break
		}
		places <- p
	}
	close(places)
	all.Wait()
	if err := r.broken(); err != nil {
		return err
	}
	return ctx.Err()
}

func (r *round) broken() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *round) fail(ctx context.Context, p Place, err error) {
	if ctx.Err() != nil {
		return // it was called off
	}
	r.mu.Lock()
	r.failed = append(r.failed, p)
	r.mu.Unlock()
	r.Source.mu.Lock()
	defer r.Source.mu.Unlock()
	r.faults[p] = err
}

func (r *round) pass(p Place) {
	r.Source.mu.Lock()
	defer r.Source.mu.Unlock()
	delete(r.faults, p)
}

func (r *round) answered() {
	r.Source.mu.Lock()
	defer r.Source.mu.Unlock()
	r.health.Heard = r.config.Now()
}

// place asks one place for every attribute.
func (r *round) place(ctx context.Context, p Place) error {
	c, err := r.sessions.Config(ctx, p.Account, p.Region, "")
	if err != nil {
		return err
	}
	asked := client(c)
	from := r.mark.since(p).Add(-r.back)
	if oldest := r.begun.Add(-history); from.Before(oldest) {
		from = oldest
	}
	for i, a := range Attributes(p.Region) {
		if i > 0 {
			if err := pause(ctx, spacing); err != nil {
				return err
			}
		}
		if err := r.attribute(ctx, asked, p, a, from); err != nil {
			return fmt.Errorf("LookupEvents of %s %s: %w", a.AttributeKey, aws.ToString(a.AttributeValue), err)
		}
	}
	return nil
}

// attribute reads all pages, which come newest first.
func (r *round) attribute(ctx context.Context, asked *cloudtrail.Client, p Place, a types.LookupAttribute, from time.Time) error {
	in := &cloudtrail.LookupEventsInput{LookupAttributes: []types.LookupAttribute{a}, StartTime: &from, MaxResults: aws.Int32(50)}
	for range mostPages {
		out, err := ask(ctx, asked, in)
		if err != nil {
			return err
		}
		if err := r.page(ctx, p, out.Events); err != nil {
			return err
		}
		r.answered()
		next := aws.ToString(out.NextToken)
		if next == "" {
			return nil
		}
		if next == aws.ToString(in.NextToken) {
			return errors.New("the same page over and over")
		}
		in.NextToken = out.NextToken
		if err := pause(ctx, spacing); err != nil {
			return err
		}
	}
	return fmt.Errorf("more than %d pages since %s", mostPages, from.Format(time.RFC3339))
}

func ask(ctx context.Context, asked *cloudtrail.Client, in *cloudtrail.LookupEventsInput) (*cloudtrail.LookupEventsOutput, error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	return asked.LookupEvents(ctx, in)
}

// told is an event as the history tells it.
type told struct {
	CloudTrailEvent string
}

// page delivers what of a page was not delivered before. An event without an ID is delivered
// by itself under a name of its own: where it stands in a page changes.
func (r *round) page(ctx context.Context, p Place, events []types.Event) error {
	var fresh []told
	var keys []seenKey
	for _, e := range events {
		k := keyOf(p, &e)
		if r.seen.has(k) {
			continue
		}
		one := told{aws.ToString(e.CloudTrailEvent)}
		if aws.ToString(e.EventId) != "" {
			fresh, keys = append(fresh, one), append(keys, k)
		} else if err := r.give(ctx, fmt.Sprintf("LookupEvents of %s, %s", p, k.event), []told{one}, []seenKey{k}); err != nil {
			return err
		}
	}
	if len(fresh) > 0 {
		if err := r.give(ctx, "LookupEvents of "+p.String(), fresh, keys); err != nil {
			return err
		}
	}
	for _, e := range events {
		r.progress.See(live.Place{Account: p.Account, Region: p.Region, Last: aws.ToTime(e.EventTime), Arrived: r.config.Now()})
	}
	return nil
}

func (r *round) give(ctx context.Context, name string, events []told, keys []seenKey) error {
	text, err := json.Marshal(struct{ Events []told }{events})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	now := r.config.Now()
	r.err = r.take(ctx, live.Delivery{
		Source: r.config.Name, Arrived: now, Mark: r.mark.bytes(),
		Input: trail.Input{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(text))), nil }},
	})
	if r.err != nil {
		return r.err
	}
	r.delivered++
	r.seen.add(keys, r.begun)
	r.Source.mu.Lock()
	defer r.Source.mu.Unlock()
	r.health.Last = now
	return nil
}
