package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/layout"
	"github.com/rootkeep/rootkeep/internal/stream/live"
	"github.com/rootkeep/rootkeep/internal/stream/live/object"
)

const (
	tries        = 5 // of a message that cannot be read, without a dead-letter queue
	firstRetry   = 30 * time.Second
	longestRetry = 15 * time.Minute
	mostReaders  = 64
	// patience is how long S3 may take to begin with an object: a receiver waits for it, and
	// what waits behind it.
	patience = 10 * time.Second
)

// refused is that a bucket gives nothing now: its messages are kept.
type refused struct {
	bucket string
	err    error
}

func (r *refused) Error() string { return r.err.Error() }

func (r *refused) Unwrap() error { return r.err }

// handle delivers what a message tells and deletes it. What goes wrong with one message
// stops no other; the error is of the queue, or of take.
func (r *run) handle(ctx context.Context, m *message, open *unfinished) error {
	err := r.unlessSilent(m)
	if err == nil {
		err = r.deliver(ctx, m)
	}
	if ctx.Err() != nil && err != nil {
		return err
	}
	defer open.drop(m)
	var bucket *refused
	switch {
	case err == nil:
		return r.done(ctx, m)
	case isTaken(err):
		return err
	case errors.As(err, &bucket):
		return r.hold(ctx, m, bucket)
	}
	return r.setAside(ctx, m, err)
}

// unlessSilent refuses a message about a bucket that does not answer: keep asks it again, and
// no receiver waits for it meanwhile.
func (r *run) unlessSilent(m *message) error {
	if m.bad != nil {
		return nil
	}
	for _, o := range m.news.objects {
		if why := r.state.silence(o.Bucket); why != nil {
			return &refused{o.Bucket, why}
		}
	}
	return nil
}

func isTaken(err error) bool {
	_, ok := errors.AsType[*taken](err)
	return ok
}

// setAside is for a message that cannot be read: it comes again some times, and is then
// left to the dead-letter queue or, where there is none, told as lost and deleted.
func (r *run) setAside(ctx context.Context, m *message, why error) error {
	r.state.ill(m.id, why, r.config.Now())
	last := tries
	if r.dead != nil {
		last = r.dead.most
	}
	if m.count < last {
		wait := min(firstRetry<<min(max(m.count-1, 0), 10), longestRetry)
		return r.hide(ctx, m, wait)
	}
	lost := fmt.Sprintf("%v; received %d times", why, m.count)
	if r.dead != nil {
		lost += ", and left to the dead-letter queue " + r.dead.Target
	}
	if err := r.give(ctx, live.Delivery{Input: cloudtrail.Input{Name: "message " + m.id}, Lost: lost}); err != nil {
		return err
	}
	if r.dead == nil {
		return r.done(ctx, m)
	}
	r.state.cured(m.id)
	return r.hide(ctx, m, 0) // SQS moves it when somebody asks for it the next time
}

// give hands a delivery over.
func (r *run) give(ctx context.Context, d live.Delivery) error {
	d.Source, d.Arrived = r.config.Name, r.config.Now()
	if err := r.take(ctx, d); err != nil {
		return &taken{err}
	}
	r.state.delivered(d.Arrived)
	return nil
}

func (r *run) deliver(ctx context.Context, m *message) error {
	if m.bad != nil {
		return m.bad
	}
	for _, o := range m.news.objects {
		if err := r.object(ctx, m, o); err != nil {
			return fmt.Errorf("object %q: %w", o.Name, err)
		}
	}
	if b := m.news.test; b != "" && !slices.Contains(r.config.Buckets, b) {
		return fmt.Errorf("S3 tells of bucket %q from now on: %w", b, errBucket)
	}
	if len(m.news.found) > 0 {
		return r.findings(ctx, m)
	}
	if m.news.event != nil {
		return r.event(ctx, m.news.event)
	}
	return nil
}

// findings delivers what another service found.
func (r *run) findings(ctx context.Context, m *message) error {
	for i := range m.news.found {
		if err := r.config.takes(m.news.found[i].Account); err != nil {
			return fmt.Errorf("a finding: %w", err)
		}
	}
	return r.give(ctx, live.Delivery{Input: cloudtrail.Input{Name: "findings in message " + m.id}, Sightings: m.news.found})
}

// otherService is a log of another service in CloudTrail's layout, such as AWS Config.
var otherService = regexp.MustCompile(`(?:^|/)AWSLogs/(?:o-[a-z0-9]+/)?[0-9]{12}/([A-Za-z]+)/`)

var errBucket = errors.New("buckets of this source does not name it, and nothing is read there")

// object delivers one object of a message, unless it is of the kinds that are left alone.
func (r *run) object(ctx context.Context, m *message, o placed) error {
	if !slices.Contains(r.config.Buckets, o.Bucket) {
		return errBucket
	}
	if strings.HasSuffix(o.Key, "/") {
		return nil // a folder, as the console of S3 makes it: CloudTrail names no file so
	}
	key, ok := layout.Parse(o.Key)
	if !ok {
		if m := otherService.FindStringSubmatch(o.Key); m != nil && !strings.HasPrefix(m[1], "CloudTrail") {
			return nil
		}
		return errors.New("no log file of CloudTrail by its key; hint: a prefix in the notification, such as AWSLogs/")
	}
	if key.Kind != layout.Log {
		return nil
	}
	if err := r.config.takes(key.Account); err != nil {
		return err
	}
	reader, err := r.reader(ctx, o.region)
	if err != nil {
		return &refused{o.Bucket, err}
	}
	opened, err := reader.Open(ctx, o.Name)
	if _, gone := errors.AsType[*object.Gone](err); gone {
		return err
	}
	if err != nil {
		return &refused{o.Bucket, err}
	}
	err = r.give(ctx, live.Delivery{Input: opened.Input(), Turns: true})
	for rest, more := errors.AsType[*live.Unfinished](err); more; rest, more = errors.AsType[*live.Unfinished](err) {
		m.large()
		if err = rest.Next(ctx, nil); err != nil {
			err = &taken{err}
		}
	}
	if err := errors.Join(err, opened.Close()); err != nil {
		return err
	}
	r.state.delivered(r.config.Now()) // a large one was not when its first turn was over
	r.state.good(o.Bucket, r.config.Now())
	r.progress.SeeKey(key, r.config.Now())
	return nil
}

// event delivers a record that EventBridge sent.
func (r *run) event(ctx context.Context, e *event) error {
	name := fmt.Sprintf("event %s of %s by EventBridge", e.id, e.account)
	if err := cmp.Or(r.config.takes(e.account), r.config.takes(e.said)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	text, err := json.Marshal(map[string]any{"Records": []json.RawMessage{e.record}})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(text))), nil }
	if err := r.give(ctx, live.Delivery{Input: cloudtrail.Input{Name: name, Open: open}}); err != nil {
		return err
	}
	if e.said != e.account {
		r.state.doubt(fmt.Sprintf("event %q: account %s by its envelope, %s by its record, for which it counts", e.id, e.said, e.account), r.config.Now())
	}
	if region, err := rootkeep.ParseRegion(e.region); err == nil {
		r.progress.See(live.Place{Account: e.account, Region: string(region), Last: e.at, Arrived: r.config.Now()})
	}
	return nil
}

// reader is that of a Region. A message says which one, and anybody who may send can say
// any: one of another part of AWS, or one too many, is that of the queue.
func (r *run) reader(ctx context.Context, region string) (*object.Reader, error) {
	if _, err := rootkeep.ParseRegion(region); err != nil || side(region) != side(r.config.Region) {
		region = r.config.Region
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.readers) >= mostReaders && r.readers[region] == nil {
		region = r.config.Region
	}
	if out := r.readers[region]; out != nil {
		return out, nil
	}
	c, err := r.credentials(ctx, region)
	if err != nil {
		return nil, err
	}
	r.readers[region] = object.NewReader(c)
	r.readers[region].Patience = patience
	return r.readers[region], nil
}

// side is the part of AWS that a Region is in: credentials are not sent to another.
func side(region string) string {
	for _, prefix := range []string{"cn-", "us-gov-", "us-iso", "eu-iso", "eusc-"} {
		if strings.HasPrefix(region, prefix) {
			return prefix
		}
	}
	return ""
}
