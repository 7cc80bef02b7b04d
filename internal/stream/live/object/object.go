// Package object reads objects of S3 for live sources: a bucket and a key go in, a stream
// of bytes comes out, or why there is none, as a source has to tell it.
package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/layout"
)

// Operations are all that this package calls, by the IAM action that permits each.
func Operations() []string { return []string{"s3:GetObject"} }

const (
	// Largest is how many bytes are read of one object: CloudTrail's files are a hundredth
	// of it.
	Largest  = 1 << 30
	attempts = 4
	// longestRead is how long all of an object's bytes may be waited for.
	longestRead = 5 * time.Minute
)

// Credentials say how a Region is called.
type Credentials func(ctx context.Context, region string) (aws.Config, error)

// Sessions say how an account is called in a Region. task is always "": no session of a
// root user is opened.
type Sessions interface {
	Config(ctx context.Context, account rootkeep.AccountID, region, task string) (aws.Config, error)
}

// Of are the credentials of sessions in one account.
func Of(s Sessions, account rootkeep.AccountID) Credentials {
	return func(ctx context.Context, region string) (aws.Config, error) {
		return s.Config(ctx, account, region, "")
	}
}

// Name is where an object lies.
type Name struct{ Bucket, Key string }

func (n Name) String() string { return "s3://" + n.Bucket + "/" + n.Key }

// Gone is that there is nothing to read by that name, however often it is tried: no such
// object, or one in an archive.
type Gone struct{ err error }

func (g *Gone) Error() string { return g.err.Error() }

func (g *Gone) Unwrap() error { return g.err }

// gone are S3's codes for it (Amazon S3 API Reference, "Error responses").
var gone = []string{"NoSuchKey", "NoSuchVersion", "MethodNotAllowed", "InvalidObjectState"}

// Reader reads objects of the buckets of one Region.
type Reader struct {
	client *s3.Client
	// Patience is how long S3 may take to begin with an object, all attempts together, and
	// how long it may then fall silent.
	Patience time.Duration
}

// Silent is that S3 says nothing: each object that it is asked for costs Patience.
type Silent struct{ For time.Duration }

func (s *Silent) Error() string { return fmt.Sprintf("no answer for %s", s.For) }

// NewReader makes a reader with a configuration of the SDK for the buckets' Region.
func NewReader(c aws.Config) *Reader { return &Reader{client: Client(c), Patience: 2 * time.Minute} }

// Client is a client of S3 as live sources use it. A simulated AWS is asked by its path:
// its buckets have no names of hosts.
func Client(c aws.Config) *s3.Client {
	return s3.NewFromConfig(c, func(o *s3.Options) {
		o.RetryMaxAttempts = attempts
		o.UsePathStyle = c.BaseEndpoint != nil
	})
}

// Object is one that S3 has begun to send.
type Object struct {
	Name
	ctx    context.Context
	reader *Reader

	mu    sync.Mutex // guards first
	first io.ReadCloser
}

// Open asks for an object. The error is a *Gone if there is none, any other may be gone
// later. Who opens it closes it.
func (r *Reader) Open(ctx context.Context, n Name) (*Object, error) {
	body, err := r.get(ctx, n)
	if err != nil {
		return nil, err
	}
	return &Object{Name: n, ctx: ctx, reader: r, first: body}, nil
}

// Input is the object for a reader of CloudTrail. It may be opened again, which asks S3
// again.
func (o *Object) Input() cloudtrail.Input {
	_, trail := layout.Parse(o.Key)
	return cloudtrail.Input{Name: o.String(), Open: o.open, OneMember: trail || layout.IsLogName(o.Key)}
}

func (o *Object) open() (io.ReadCloser, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if first := o.first; first != nil {
		o.first = nil
		return first, nil
	}
	return o.reader.get(o.ctx, o.Name)
}

// Close ends what nobody read.
func (o *Object) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.first == nil {
		return nil
	}
	err := o.first.Close()
	o.first = nil
	return err
}

// get asks for the bytes. The context of the stream is the caller's: it lasts as long as
// the object is read, and the clock of Patience runs until S3 answers alone.
func (r *Reader) get(ctx context.Context, n Name) (io.ReadCloser, error) {
	ctx, stop := context.WithCancelCause(ctx)
	late := time.AfterFunc(r.Patience, func() { stop(&Silent{r.Patience}) })
	out, err := r.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &n.Bucket, Key: &n.Key})
	if !late.Stop() {
		if err == nil {
			out.Body.Close() // of no use any more
		}
		err = context.Cause(ctx)
	}
	if err != nil {
		stop(nil)
		return nil, Why(err)
	}
	if size := aws.ToInt64(out.ContentLength); size > Largest {
		stop(nil)
		return nil, &Gone{errors.Join(fmt.Errorf("%d bytes, more than the %d that are read", size, Largest), out.Body.Close())}
	}
	return &body{ReadCloser: out.Body, ctx: ctx, left: Largest, patience: r.Patience, time: longestRead, stop: stop}, nil
}

// Why is an error of S3 without what the SDK says around it: a source shows it.
func Why(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	status := 0
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		status = answer.HTTPStatusCode()
	}
	short := &Refusal{Code: api.ErrorCode(), Status: status}
	if slices.Contains(gone, short.Code) {
		return &Gone{short}
	}
	return short
}

// Refusal is S3's answer to a call that it did not carry out.
type Refusal struct {
	Code   string
	Status int
}

func (r *Refusal) Error() string {
	if r.Code == "AccessDenied" {
		return "AccessDenied; hint: the policies of the role, of the bucket and of its KMS key have to allow reading"
	}
	return r.Code
}

// body ends with an error where an object is longer than it said, or its bytes are not sent.
// What a reader does between two reads takes no time of it.
type body struct {
	io.ReadCloser
	ctx            context.Context
	left           int64
	patience, time time.Duration
	stop           context.CancelCauseFunc
}

func (b *body) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("more than %d bytes", Largest)
	}
	begun, wait := time.Now(), max(min(b.patience, b.time), 0)
	late := time.AfterFunc(wait, func() { b.stop(&Silent{wait}) })
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	if !late.Stop() && err != nil {
		err = context.Cause(b.ctx)
	}
	b.time -= time.Since(begun)
	b.left -= int64(n)
	return n, err
}

func (b *body) Close() error {
	defer b.stop(nil)
	return b.ReadCloser.Close()
}
