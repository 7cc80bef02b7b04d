package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/rootkeep/rootkeep/internal/stream/live"
	"github.com/rootkeep/rootkeep/internal/stream/live/object"
)

const (
	retryAfter  = 10 * time.Second // a queue that cannot be asked
	longPoll    = 20 * time.Second // the longest that SQS waits for a message
	hidden      = 2 * time.Minute  // a message that was received, and again while it is handled; so much later others get what a reader had that died
	extendEvery = hidden / 3
	atOnce      = 10 // messages of one answer, the most that SQS gives
	callTimeout = time.Minute
	backlog     = time.Minute // what waited longer is one
	mostBeside  = 4           // large objects of one answer that are read at the same time
)

// run is the source while its credentials and its queue last.
type run struct {
	*Source
	take        func(context.Context, live.Delivery) error
	queue       *sqs.Client
	credentials object.Credentials
	dead        *redrive // nil: the queue has no dead-letter queue

	mu      sync.Mutex // guards what follows
	readers map[string]*object.Reader
	waiting map[string]*held // by ID of the message
}

// redrive is where SQS moves a message that was received so often.
type redrive struct {
	Target string      `json:"deadLetterTargetArn"`
	Most   json.Number `json:"maxReceiveCount"` // some tools write it in quotes
	most   int
}

// open finds credentials and asks the queue what it does with messages.
func (s *Source) open(ctx context.Context) (*run, error) {
	c, err := s.config.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("no credentials to ask with: %w", err)
	}
	at, err := c(ctx, s.config.Region)
	if err != nil {
		return nil, err
	}
	r := &run{Source: s, credentials: c, readers: map[string]*object.Reader{}, waiting: map[string]*held{}}
	r.queue = sqs.NewFromConfig(at, func(o *sqs.Options) { o.RetryMaxAttempts = 4 })
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	out, err := r.queue.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &s.config.URL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameRedrivePolicy}})
	if err != nil {
		return nil, fmt.Errorf("GetQueueAttributes: %w", err)
	}
	if text := out.Attributes["RedrivePolicy"]; text != "" {
		r.dead = &redrive{}
		if err := json.Unmarshal([]byte(text), r.dead); err != nil {
			return nil, fmt.Errorf("redrive policy of the queue: %w", err)
		}
		if r.dead.most, err = strconv.Atoi(string(r.dead.Most)); err != nil {
			return nil, fmt.Errorf("redrive policy of the queue: %w", err)
		}
	}
	return r, nil
}

// run receives with several at once. That nothing is taken, as by a store that is down,
// shows before a message is received: each receipt is counted.
func (r *run) run(ctx context.Context) error {
	if err := r.take(ctx, live.Delivery{Source: r.config.Name, Arrived: r.config.Now()}); err != nil {
		return &taken{err}
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all sync.WaitGroup
	for range r.config.Receivers {
		all.Go(func() { stop(r.receive(ctx)) })
	}
	all.Go(func() { stop(r.keep(ctx)) })
	all.Wait()
	return context.Cause(ctx)
}

// receive asks for messages and handles them, a few at a time.
func (r *run) receive(ctx context.Context) error {
	for {
		out, err := r.queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &r.config.URL, MaxNumberOfMessages: atOnce, WaitTimeSeconds: int32(longPoll.Seconds()), VisibilityTimeout: int32(hidden.Seconds()),
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount, types.MessageSystemAttributeNameSentTimestamp},
		})
		if err != nil {
			return fmt.Errorf("ReceiveMessage: %w", err)
		}
		now := r.config.Now()
		r.state.heard(now)
		done := r.state.begin(r.late(out.Messages, now), now)
		err = r.batch(ctx, out.Messages)
		done()
		if err != nil {
			return err
		}
		r.state.complete(now)
	}
}

// late says that a message of an answer waited for long, and not because it cannot be read:
// there is a backlog.
func (r *run) late(list []types.Message, now time.Time) bool {
	return slices.ContainsFunc(list, func(m types.Message) bool {
		sent, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64)
		return (err != nil || now.Sub(time.UnixMilli(sent)) > backlog) && !r.state.isIll(aws.ToString(m.MessageId))
	})
}

// message is one that was received.
type message struct {
	id, receipt string
	count       int // how often it was received
	news        *news
	bad         error // why it has none

	long  chan struct{} // closed when it is about a large object
	aside bool          // it is closed; of who handles the message
}

// large has others of the answer be handled meanwhile.
func (m *message) large() {
	if !m.aside {
		m.aside = true
		close(m.long)
	}
}

func messageOf(m types.Message) *message {
	out := &message{id: aws.ToString(m.MessageId), receipt: aws.ToString(m.ReceiptHandle), long: make(chan struct{})}
	out.count, _ = strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // 0 is the first time
	out.news, out.bad = read([]byte(aws.ToString(m.Body)))
	return out
}

// batch handles the messages of one answer in turn, those about large objects beside the ones
// behind them. Those whose turn is still to come stay hidden from others.
func (r *run) batch(ctx context.Context, list []types.Message) error {
	open := &unfinished{list: map[*message]bool{}}
	var messages []*message
	for _, m := range list {
		messages = append(messages, messageOf(m))
	}
	for _, m := range messages {
		open.list[m] = true
	}
	beating, stop := context.WithCancel(ctx)
	var beat sync.WaitGroup
	if len(messages) > 0 {
		beat.Go(func() { r.beat(beating, open) })
	}
	defer beat.Wait()
	defer stop()
	return r.handleAll(ctx, messages, open)
}

func (r *run) handleAll(ctx context.Context, messages []*message, open *unfinished) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all sync.WaitGroup
	beside := 0
	for _, m := range messages {
		if ctx.Err() != nil {
			break
		}
		ended := make(chan struct{})
		all.Go(func() {
			defer close(ended)
			if err := r.handle(ctx, m, open); err != nil {
				stop(err)
			}
		})
		select {
		case <-ended:
		case <-m.long:
			if beside++; beside >= mostBeside {
				<-ended
			}
		}
	}
	all.Wait()
	return context.Cause(ctx)
}

// unfinished are messages that somebody is handling.
type unfinished struct {
	mu   sync.Mutex // guards list
	list map[*message]bool
}

func (u *unfinished) drop(m *message) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.list, m)
}

func (u *unfinished) all() []*message {
	u.mu.Lock()
	defer u.mu.Unlock()
	var out []*message
	for m := range u.list {
		out = append(out, m)
	}
	return out
}

// beat hides messages again until they are done. One that cannot be hidden any more comes
// again, which does no harm.
func (r *run) beat(ctx context.Context, open *unfinished) {
	for pause(ctx, extendEvery) == nil {
		for _, m := range open.all() {
			_ = r.hide(ctx, m, hidden)
		}
	}
}

func (r *run) hide(ctx context.Context, m *message, d time.Duration) error {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	_, err := r.queue.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &r.config.URL, ReceiptHandle: &m.receipt, VisibilityTimeout: int32(d.Seconds())})
	return err
}

// done deletes a message. One that cannot be deleted comes again.
func (r *run) done(ctx context.Context, m *message) error {
	r.state.cured(m.id)
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	if _, err := r.queue.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &r.config.URL, ReceiptHandle: &m.receipt}); err != nil {
		return fmt.Errorf("DeleteMessage: %w", err)
	}
	return nil
}
