package bucket

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/layout"
	"github.com/rootkeep/rootkeep/internal/stream/live"
	"github.com/rootkeep/rootkeep/internal/stream/live/object"
)

const (
	tries        = 5    // of an object that is refused while others are read
	mostRefusals = 10   // of objects of a place in one round: the next tries again
	mostRefused  = 4096 // objects that are remembered as refused
)

// round lists every place once.
type round struct {
	*Source
	mark  mark
	begun time.Time
	first bool
	deep  bool   // all of two days is listed
	text  []byte // of the mark
	take  func(context.Context, live.Delivery) error

	mu        sync.Mutex // guards what follows; take is called by one at a time
	fresh     map[place]bool
	reached   map[string]time.Time
	failed    int
	delivered int
	err       error // of take
}

// run lists the places, some at a time. It is false if there are none to list yet. A place
// that fails keeps no other waiting: it stays behind.
func (r *round) run(ctx context.Context) (bool, error) {
	if !r.open(ctx) || !r.find(ctx) {
		return false, ctx.Err()
	}
	r.deep = r.first || r.begun.Sub(r.Source.deep) >= deepEvery
	r.reached, r.text = map[string]time.Time{}, r.mark.bytes()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	work := make(chan place)
	var all sync.WaitGroup
	for range min(atOnce, len(r.places)) {
		all.Go(func() {
			for p := range work {
				r.place(ctx, p)
				if r.broken() != nil {
					stop()
				}
			}
		})
	}
	for _, p := range r.places {
		if ctx.Err() != nil {
			break
		}
		work <- p
	}
	close(work)
	all.Wait()
	if err := r.broken(); err != nil {
		return false, err
	}
	if r.failed == len(r.places) {
		r.client = nil // what it began with may be over, and other credentials may be there by now
	}
	return true, ctx.Err()
}

func (r *round) broken() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// open gets credentials, unless there are some.
func (r *round) open(ctx context.Context) bool {
	s := r.Source
	if s.client != nil {
		return true
	}
	c, err := s.config.Open(ctx)
	if err != nil {
		s.shut(fmt.Errorf("no credentials to ask with: %w", err))
		return false
	}
	at, err := c(ctx, s.config.Region)
	if err != nil {
		s.shut(err)
		return false
	}
	s.client, s.reader = object.Client(at), object.NewReader(at)
	return true
}

// find looks for accounts and Regions when it is time. A new one is read from when it was
// last looked for it: it may have files since then.
func (r *round) find(ctx context.Context) bool {
	s := r.Source
	if !r.first && len(s.places) > 0 && r.begun.Sub(r.mark.Looked) < lookEvery {
		return true
	}
	places, err := s.look(ctx)
	if ctx.Err() != nil {
		return false
	}
	s.shut(err)
	if err != nil {
		s.client = nil
		return len(s.places) > 0 && !r.first && r.open(ctx)
	}
	r.fresh = map[place]bool{}
	for _, p := range places {
		r.fresh[p] = r.first || !slices.Contains(s.places, p)
	}
	s.places = places
	return len(places) > 0
}

// from is until when a place was read.
func (r *round) from(p place) time.Time {
	at := r.mark.since(p.String())
	if r.fresh[p] && r.mark.Looked.Before(at) {
		return r.mark.Looked
	}
	return at
}

// after is the mark once the round is over.
func (r *round) after() mark {
	until := r.begun
	if last := r.mark.Since.Add(window); last.Before(until) {
		until = last
	}
	m := r.mark.with(until, r.reached)
	if r.deep && r.failed == 0 {
		m.Deep, r.Source.deep = m.Since, r.begun
	}
	if r.fresh != nil {
		m.Looked = r.begun
		if m.Since.Before(m.Looked) {
			m.Looked = m.Since
		}
	}
	return m
}

// place lists one place from where it was read to.
func (r *round) place(ctx context.Context, p place) {
	l := &listing{round: r, place: p, from: r.from(p), until: r.begun}
	if last := l.from.Add(window); last.Before(l.until) {
		l.until = last
	}
	err := l.run(ctx)
	if ctx.Err() != nil {
		return // it was called off
	}
	r.state(p, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reached[p.String()] = l.until; err != nil {
		r.reached[p.String()] = l.from
		r.failed++
	}
}

// listing is one place in a round.
type listing struct {
	*round
	place       place
	from, until time.Time // by when S3 has the files
	refusals    int
	refusal     error // the first of them
}

func (l *listing) run(ctx context.Context) error {
	folder := l.config.folder(l.place)
	late := lateBy
	if l.deep || l.fresh[l.place] || l.from.Before(l.mark.Since) {
		late = veryLateBy
	}
	start := l.oldest(late).Add(-late)
	after := folder + start.Format("2006/01/02/")
	if late == lateBy {
		after += fmt.Sprintf("%s_CloudTrail_%s_%s", l.place.account, l.place.region, start.Format("20060102T1504Z"))
	}
	end := folder + l.until.Add(2*window).Format("2006/01/02/")
	in := &s3.ListObjectsV2Input{Bucket: &l.config.Bucket, Prefix: &folder, StartAfter: &after}
	err := l.pages(ctx, in, func(page *s3.ListObjectsV2Output) (bool, error) {
		for _, o := range page.Contents {
			key := aws.ToString(o.Key)
			if key > end {
				return false, nil
			}
			if err := l.object(ctx, key, aws.ToTime(o.LastModified)); err != nil || l.refusals >= mostRefusals {
				return false, err
			}
		}
		return true, nil
	})
	return errors.Join(err, l.refusal)
}

// oldest is from when on a file that came so late at the most is to be delivered, by when
// S3 has it.
func (l *listing) oldest(late time.Duration) time.Time {
	if late > lateBy && l.mark.Deep.Before(l.from) {
		return l.mark.Deep.Add(-overlap)
	}
	return l.from.Add(-overlap)
}

// wanted says whether a key is to be delivered: a log file that S3 has since the round
// before that would have listed it, and that was not delivered.
func (l *listing) wanted(key string, at time.Time) (layout.Key, bool) {
	k, ok := layout.Parse(key)
	if !ok || k.Kind != layout.Log || !strings.HasSuffix(key, ".json.gz") && !strings.HasSuffix(key, ".json") {
		return k, false
	}
	late := lateBy
	if k.Delivered.IsZero() || at.Sub(k.Delivered) >= lateBy {
		late = veryLateBy
	}
	if at.Before(l.oldest(late)) || l.until.Before(l.begun) && !at.Before(l.until) {
		return k, false
	}
	return k, !l.seen.has(sum(key), at)
}

var seed = maphash.MakeSeed()

func sum(key string) uint64 { return maphash.String(seed, key) }

// object delivers one object. One that S3 does not give leaves the place behind, so that
// it is tried again; the error is of take.
func (l *listing) object(ctx context.Context, key string, at time.Time) error {
	k, ok := l.wanted(key, at)
	if !ok {
		return nil
	}
	opened, err := l.reader.Open(ctx, object.Name{Bucket: l.config.Bucket, Key: key})
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), closed(opened))
	}
	if _, gone := errors.AsType[*object.Gone](err); err != nil && !gone && !l.lost(key) {
		if l.refusals++; l.refusals == 1 {
			l.refusal = fmt.Errorf("object %q: %w", key, err)
		}
		return nil
	}
	d := live.Delivery{Input: cloudtrail.Input{Name: object.Name{Bucket: l.config.Bucket, Key: key}.String()}}
	if err != nil {
		d.Lost = err.Error()
	} else {
		d.Input = opened.Input()
	}
	if err := errors.Join(l.give(ctx, d), closed(opened)); err != nil {
		return err
	}
	l.seen.add(sum(key), at)
	l.read(key, err == nil)
	if err == nil {
		l.progress.SeeKey(k, l.config.Now())
	}
	return nil
}

func closed(o *object.Object) error {
	if o == nil {
		return nil
	}
	return o.Close()
}

// give hands a delivery over, with the mark of the round before. A large object is read in
// turns with those of other places.
func (r *round) give(ctx context.Context, d live.Delivery) error {
	d.Source, d.Arrived, d.Mark, d.Turns = r.config.Name, r.config.Now(), r.text, true
	rest, err := r.turn(func() error { return r.take(ctx, d) })
	for rest != nil && err == nil {
		next := rest
		if rest, err = r.turn(func() error { return next.Next(ctx, r.text) }); err != nil {
			next.Close()
		}
	}
	return err
}

// turn has something delivered, or what is left of it is told: one thing at a time.
func (r *round) turn(do func() error) (*live.Unfinished, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return nil, r.err
	}
	err := do()
	rest, more := errors.AsType[*live.Unfinished](err)
	if err != nil && !more {
		r.err = err
		return nil, err
	}
	if !more {
		r.delivered++
	}
	r.Source.mu.Lock()
	defer r.Source.mu.Unlock()
	now := r.config.Now()
	r.health.Heard, r.health.Last = now, now
	return rest, nil
}

// lost says whether an object that is refused once more is given up: others were read
// since, some times over.
func (s *Source) lost(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.refused[key]
	if known == nil {
		if len(s.refused) >= mostRefused {
			return false
		}
		known = &refusal{since: s.config.Now()}
		s.refused[key] = known
	}
	known.tries++
	return known.tries >= tries && s.good.After(known.since)
}

func (s *Source) read(key string, good bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.refused, key)
	if good {
		s.good = s.config.Now()
	}
}
