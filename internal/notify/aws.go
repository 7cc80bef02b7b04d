package notify

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep/internal/notify/mailer"
	"github.com/rootkeep/rootkeep/internal/notify/safe"
)

// Mailer hands a whole message (RFC 5322) over, as Amazon SES does, and gives the ID that
// it has there. What no further attempt would mend is Final.
type Mailer interface {
	Mail(ctx context.Context, from string, to []string, message []byte) (id string, err error)
}

// Publisher publishes a message to a topic, as Amazon SNS does, and gives its ID.
type Publisher interface {
	Publish(ctx context.Context, id, thread, subject, message string, attributes map[string]string) (string, error)
}

// AWS opens what the ways by SES and SNS send with: at the first notice, as credentials
// may come later than the server.
type AWS struct {
	SES func(ctx context.Context, profile, region string) (Mailer, error)
	SNS func(ctx context.Context, profile, topic string) (Publisher, error)
}

// SESConfig is a way by Amazon SES.
type SESConfig struct {
	Region  string   `yaml:"region"`
	Profile string   `yaml:"profile"` // of the shared configuration; the server's own credentials if empty
	From    string   `yaml:"from"`
	To      []string `yaml:"to"`
}

// SNSConfig is a way by Amazon SNS.
type SNSConfig struct {
	Topic   string `yaml:"topic"` // ARN
	Profile string `yaml:"profile"`
}

// lazily opens something once; what failed is tried again.
type lazily[T any] struct {
	mu   sync.Mutex // guards what follows
	done bool
	it   T
	open func(context.Context) (T, error)
}

func (l *lazily[T]) get(ctx context.Context) (T, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done {
		return l.it, nil
	}
	it, err := l.open(ctx)
	l.it, l.done = it, err == nil
	return it, err
}

// sesWay is mail by Amazon SES.
type sesWay struct {
	letter *Mail // writes the message
	region string
	mailer lazily[Mailer]
}

func (w *WayConfig) ses(aws AWS, now func() time.Time) (Configured, error) {
	c := w.SES
	switch {
	case aws.SES == nil:
		return nil, errors.New("ses: nothing here speaks to AWS")
	case c.Region == "":
		return nil, errors.New("ses: no region; hint: the one in which the address is verified")
	}
	m := &Mail{Named: w.Name, Host: "localhost", Port: 25, Encryption: mailer.None, From: c.From, To: c.To, Now: now} // of SMTP, nothing is used
	s := &sesWay{letter: m, region: c.Region}
	s.mailer.open = func(ctx context.Context) (Mailer, error) { return aws.SES(ctx, c.Profile, c.Region) }
	return s, m.Check()
}

// Name is that of the configuration.
func (s *sesWay) Name() string { return s.letter.Named }

// Attempts is how often a notice is tried.
func (s *sesWay) Attempts() int { return MostAttempts }

// Kind is what the way is.
func (s *sesWay) Kind() string { return "ses" }

// Target is the Region and the recipients.
func (s *sesWay) Target() string { return s.region + ": " + strings.Join(s.letter.To, ", ") }

// Send sends the notice to everybody it is for. The error is a *mailer.RefusedError if they are
// too many, and the others got it.
func (s *sesWay) Send(ctx context.Context, n Notice) (string, error) {
	to, left, err := s.letter.recipients(n)
	if err != nil {
		return "", err
	}
	post, err := s.mailer.get(ctx)
	if err != nil {
		return "", tellable(err, safe.Hider())
	}
	id, err := post.Mail(ctx, s.letter.From, to, s.letter.message(n, to))
	if err != nil {
		return "", tellable(err, safe.Hider())
	}
	return "SES took it as " + shown(id, safe.Hider()), mailer.Left(nil, left)
}

// snsWay is a topic of Amazon SNS.
type snsWay struct {
	name, topic string
	publisher   lazily[Publisher]
	letter      *Mail // writes the text
}

var topicARN = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]{1,256}$`)

func (w *WayConfig) sns(aws AWS) (Configured, error) {
	c := w.SNS
	switch {
	case aws.SNS == nil:
		return nil, errors.New("sns: nothing here speaks to AWS")
	case !topicARN.MatchString(c.Topic):
		return nil, fmt.Errorf("sns: topic %q: want an ARN such as arn:aws:sns:eu-west-1:111122223333:alerts", c.Topic)
	}
	s := &snsWay{name: w.Name, topic: c.Topic, letter: &Mail{Named: w.Name}}
	s.publisher.open = func(ctx context.Context) (Publisher, error) { return aws.SNS(ctx, c.Profile, c.Topic) }
	return s, nil
}

// Name is that of the configuration.
func (s *snsWay) Name() string { return s.name }

// Attempts is how often a notice is tried.
func (s *snsWay) Attempts() int { return MostAttempts }

// Kind is what the way is.
func (s *snsWay) Kind() string { return "sns" }

// Target is the topic's ARN.
func (s *snsWay) Target() string { return s.topic }

// longestSubject is what SNS takes: fewer than 100 characters of ASCII.
const longestSubject = 99

// Send publishes the notice as text, with attributes to filter by.
func (s *snsWay) Send(ctx context.Context, n Notice) (string, error) {
	publisher, err := s.publisher.get(ctx)
	if err != nil {
		return "", tellable(err, safe.Hider())
	}
	subject := safe.ASCII(fmt.Sprintf("[rootkeep %s] %s", n.Severity, safe.Line(n.Title, longestSubject)), longestSubject)
	attributes := map[string]string{
		"topic": n.Topic, "severity": n.Severity.String(), "action": string(n.Acts()), "thread": safe.ASCII(n.Of(), 128), "account": n.Account,
	}
	id, err := publisher.Publish(ctx, safe.ASCII(n.ID, 128), safe.ASCII(n.Of(), 128), subject, s.letter.text(n), attributes)
	if err != nil {
		return "", tellable(err, safe.Hider())
	}
	return "SNS took it as " + shown(id, safe.Hider()), nil
}
