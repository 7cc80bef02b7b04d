package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/awsout"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/notify/mailer"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	kept "github.com/rootkeep/rootkeep/internal/store/letters"
	"github.com/rootkeep/rootkeep/ledger"
)

const (
	turnLease    = 2 * time.Minute // longer than any way takes for one attempt
	turnPause    = 2 * time.Second // before a letter asks for its turn again
	turnPatience = time.Minute     // that it waits for older ones that nobody tried
)

// handle sends one letter. The receiver may get it twice, with the same ID, when the
// server ends before what became of it is kept.
func (o *Outbox) handle(ctx context.Context, j *job.Job, say func(string)) error {
	var l letter
	if err := json.Unmarshal(j.Payload, &l); err != nil {
		return job.Permanent(fmt.Errorf("notice: %w", err))
	}
	s := &sending{o, o.way(l.Way), &l, j}
	if s.way == nil {
		err := fmt.Errorf("way %s is not configured any more; hint: the setting notify.ways", l.Way)
		return errors.Join(job.Permanent(err), s.keep(ctx, delivery{Error: err.Error()}, "notice.failed"))
	}
	turn, thread, err := s.take(ctx)
	switch {
	case err != nil:
		return err
	case turn == kept.Wait:
		return job.Postpone("another notice of "+l.Notice.Thread+" is sent first", turnPause)
	case turn == kept.Overtaken:
		say(l.Way + ": a newer notice of " + l.Notice.Thread + " went in its place")
		return s.keep(ctx, delivery{Answer: "a newer notice of the thread went in its place"}, "notice.overtaken")
	}
	return s.attempt(ctx, thread, say)
}

// sending is one attempt at a letter.
type sending struct {
	*Outbox
	way    notify.Configured
	letter *letter
	job    *job.Job
}

func (s *sending) claim() kept.Claim {
	return kept.Claim{
		Way: s.letter.Way, Thread: s.letter.Notice.Thread, Number: s.letter.Number, Job: s.job.ID, Again: s.job.Attempt > 1,
		Impatient: s.now().Sub(s.letter.Due) > turnPatience, Lease: turnLease,
	}
}

// take asks for the turn of the letter; one of no thread has it.
func (s *sending) take(ctx context.Context) (turn kept.Turn, t *kept.Thread, err error) {
	if s.letter.Number == 0 {
		return kept.Send, &kept.Thread{}, nil
	}
	err = s.store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		turn, t, err = kept.Take(ctx, tx, s.claim())
		return err
	})
	return turn, t, err
}

func (s *sending) attempt(ctx context.Context, t *kept.Thread, say func(string)) error {
	n := s.letter.Notice
	if n.Acts() == notify.Update && t.Sent == 0 {
		n.Action = "" // nobody has its message: it opens one
	}
	d := delivery{Kind: s.way.Kind(), Target: s.way.Target(), As: string(n.Acts())}
	if s.letter.Only != "" {
		n.Only, d.Target = []string{s.letter.Only}, s.letter.Only
	}
	answer, learned, err := send(ctx, s.way, n, t.Remembered)
	d.Answer = answer
	var partly *mailer.RefusedError
	if errors.As(err, &partly) {
		d.Error = err.Error()
		say(s.letter.Way + ": " + answer + "; " + d.Error)
		return s.keep(ctx, d, "notice.sent", s.taken(learned), s.split(partly.To))
	}
	if err == nil {
		say(s.letter.Way + ": " + answer)
		return s.keep(ctx, d, "notice.sent", s.taken(learned))
	}
	if ctx.Err() != nil { // the server stops: it was no attempt
		ending, done := context.WithTimeout(context.WithoutCancel(ctx), turnPause)
		defer done()
		return errors.Join(err, s.release(ending, learned))
	}
	d.Error = err.Error()
	told := fmt.Errorf("way %s: %w", s.letter.Way, err)
	if !notify.IsFinal(err) && s.job.Attempt < s.way.Attempts() {
		return errors.Join(job.After(told, notify.Wait(err)), s.store.Touch(ctx, s.failed(d.Error, false, learned)))
	}
	return errors.Join(job.Permanent(told), s.keep(ctx, d, "notice.failed", s.failed(d.Error, true, learned)))
}

func send(ctx context.Context, w notify.Configured, n notify.Notice, m notify.Memory) (string, notify.Memory, error) {
	if r, ok := w.(notify.Rememberer); ok {
		return r.Change(ctx, n, m)
	}
	answer, err := w.Send(ctx, n)
	return answer, nil, err
}

// part is a part of a change.
type part func(context.Context, *store.Tx) error

func (s *sending) taken(learned notify.Memory) part {
	return func(ctx context.Context, tx *store.Tx) error {
		if err := kept.Took(ctx, tx, s.letter.Way); err != nil {
			return err
		}
		numbers := map[string]int64{}
		for _, t := range s.letter.Told {
			numbers[t.Thread] = t.Number
		}
		if err := kept.Told(ctx, tx, s.letter.Way, numbers); err != nil {
			return err
		}
		if s.letter.Number == 0 {
			return nil
		}
		return kept.Sent(ctx, tx, s.claim(), learned)
	}
}

// split has a letter of its own for each recipient who did not get the notice: it is tried
// again, or dead, and those who got it do not get it twice. None waits for its turn: a mail
// changes no other.
func (s *sending) split(to []string) part {
	return func(ctx context.Context, tx *store.Tx) error {
		for _, a := range to {
			payload, err := json.Marshal(letter{Way: s.letter.Way, Notice: s.letter.Notice, Only: a, Due: tx.Clock()})
			if err != nil {
				return err
			}
			key := s.letter.Way + "/" + s.letter.Notice.ID + "/" + a
			if _, _, err := jobs.Add(ctx, tx, job.Job{Kind: KindOf(s.letter.Way), Key: key, Payload: payload}); err != nil {
				return fmt.Errorf("notice %s for %s: %w", s.letter.Notice.ID, a, err)
			}
		}
		return nil
	}
}

func (s *sending) failed(why string, final bool, learned notify.Memory) part {
	return func(ctx context.Context, tx *store.Tx) error {
		if s.letter.Only == "" { // else the way took it, for others
			if err := kept.Failed(ctx, tx, s.letter.Way, why); err != nil {
				return err
			}
		}
		if err := s.lost(why, final)(ctx, tx); err != nil || s.letter.Number == 0 {
			return err
		}
		return kept.Release(ctx, tx, s.claim(), learned)
	}
}

func (s *sending) release(ctx context.Context, learned notify.Memory) error {
	if s.letter.Number == 0 {
		return nil
	}
	return s.store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		return kept.Release(ctx, tx, s.claim(), learned)
	})
}

// delivery is the evidence of what became of a notice.
type delivery struct {
	Schema  string        `json:"schema"`
	Way     string        `json:"way"`
	Kind    string        `json:"kind,omitempty"`
	Target  string        `json:"target,omitempty"`
	Attempt int           `json:"attempt"`
	As      string        `json:"as,omitempty"` // what was done: an update of what nobody has opens it
	Answer  string        `json:"answer,omitempty"`
	Error   string        `json:"error,omitempty"`
	Notice  notify.Notice `json:"notice"`
	Told    []told        `json:"told,omitempty"` // of a digest: every alert that it counts
}

// keep writes the evidence into the ledger, with what belongs to it.
func (s *sending) keep(ctx context.Context, d delivery, entry string, parts ...part) error {
	d.Way, d.Attempt, d.Notice, d.Told = s.letter.Way, s.job.Attempt, s.letter.Notice, s.letter.Told
	return s.record(ctx, entry, people.SystemActor.ID, d, parts...)
}

func (o *Outbox) record(ctx context.Context, entry, actor string, d delivery, parts ...part) error {
	d.Schema = "rootkeep/notice-delivery/1"
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return o.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, do := range parts {
			if err := do(ctx, tx); err != nil {
				return err
			}
		}
		return tx.Record(entry, d.Notice.ID, actor, ledger.NewPayload("delivery.json", text))
	})
}

// Try sends a trial by one way, at once. Nothing is kept of it.
func (o *Outbox) Try(ctx context.Context, name string, n notify.Notice) (answer string, err error) {
	w := o.way(name)
	if w == nil {
		return "", fmt.Errorf("way %q is not configured; hint: rootkeep notify list", name)
	}
	return try(ctx, w, n)
}

// try sends a trial. Where the receiver keeps a message for a thread it is closed again: a pager
// would go on about it, and that it can be closed is worth a try as well.
func try(ctx context.Context, w notify.Configured, n notify.Notice) (answer string, err error) {
	answer, learned, err := send(ctx, w, n, nil)
	if j, ok := w.(notify.Joiner); err != nil || !ok || !j.Joins() {
		return answer, err
	}
	end := n
	end.ID, end.Thread, end.Action = ID(n.Topic, n.ID, string(notify.Close)), n.Of(), string(notify.Close)
	if _, _, err = send(ctx, w, end, learned); err != nil {
		err = fmt.Errorf("it took the test (%s), and not that it is over: %w", answer, err)
	}
	return answer, err
}

func openSES(ctx context.Context, profile, region string) (notify.Mailer, error) {
	p, err := awsout.OpenPost(ctx, awsout.Config{Profile: profile, Region: region})
	if err != nil {
		return nil, err
	}
	return ses{p}, nil
}

// ses marks refusals of Amazon SES that no further attempt mends.
type ses struct{ *awsout.Post }

// Mail is of notify.Mailer.
func (s ses) Mail(ctx context.Context, from string, to []string, message []byte) (string, error) {
	id, err := s.Post.Mail(ctx, from, to, message)
	return id, final(err)
}

func openSNS(ctx context.Context, profile, topic string) (notify.Publisher, error) {
	t, err := awsout.OpenTopic(ctx, awsout.Config{Profile: profile}, topic)
	if err != nil {
		return nil, err
	}
	return sns{t}, nil
}

// sns marks refusals of Amazon SNS that no further attempt mends.
type sns struct{ *awsout.Topic }

// Publish is of notify.Publisher.
func (s sns) Publish(ctx context.Context, id, thread, subject, message string, attributes map[string]string) (string, error) {
	got, err := s.Topic.Publish(ctx, id, thread, subject, message, attributes)
	return got, final(err)
}

func final(err error) error {
	if err != nil && awsout.Refused(err) {
		return notify.Final(err)
	}
	return err
}
