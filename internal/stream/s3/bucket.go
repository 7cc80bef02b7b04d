// Package s3 opens the objects below a prefix of an S3 bucket as objects that a
// cloudtrail.Reader reads one by one. Where the keys are as CloudTrail writes them, only
// the accounts and days that are asked for are listed.
package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/layout"
	"github.com/rootkeep/rootkeep/internal/awsread/credential"
	"github.com/rootkeep/rootkeep/internal/stream"
)

// Operations are all that this package calls, by the IAM action that permits each.
func Operations() []string { return []string{"s3:ListBucket", "s3:GetObject", "sts:AssumeRole"} }

// Place is a prefix of a bucket.
type Place struct{ Bucket, Prefix string }

// Is tells whether a path names a bucket.
func Is(path string) bool { return strings.HasPrefix(path, "s3://") }

// Parse reads s3://BUCKET/PREFIX.
func Parse(path string) (Place, error) {
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(path, "s3://"), "/")
	if bucket == "" || strings.ContainsAny(bucket, "?#@: ") {
		return Place{}, fmt.Errorf("%s: want s3://BUCKET/PREFIX", path)
	}
	return Place{bucket, prefix}, nil
}

func (p Place) String() string { return "s3://" + p.Bucket + "/" + p.Prefix }

// Config says as whom objects are read, and which are asked for. Empty settings leave it to
// the environment and the shared configuration, as the AWS CLI does.
type Config struct {
	Profile      string
	Region       string
	Role         string // ARN of a role that is entered first
	Since, Until time.Time
	Accounts     []rootkeep.AccountID
}

// Bucket is a place whose objects can be read.
type Bucket struct {
	Place
	client *s3.Client
	config Config
}

const (
	attempts       = 10 // of one call, with pauses between them
	attemptTimeout = 30 * time.Second
	atOnce         = 16      // objects that are got at the same time
	whole          = 2 << 20 // bytes: a larger object is read while it comes
	session        = "rootkeep-hunt"
)

// Open finds credentials and looks into the place. The error says what to do.
func Open(ctx context.Context, c Config, p Place) (*Bucket, error) {
	loaded, err := credential.Load(ctx, credential.Settings{Profile: c.Profile, Region: c.Region, For: p.String()},
		config.WithRetryer(func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), attempts) }),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(attemptTimeout).WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 2 * atOnce })))
	if err != nil {
		return nil, err
	}
	if c.Role != "" {
		loaded.Credentials = credential.Guard(aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(loaded), c.Role,
			func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = session })))
	}
	b := &Bucket{Place: p, config: c, client: client(loaded)}
	err = b.look(ctx)
	if region := elsewhere(err); region != "" && region != loaded.Region {
		loaded.Region = region
		b.client = client(loaded)
		err = b.look(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w; hint: it takes s3:ListBucket on the bucket, s3:GetObject on its objects, and kms:Decrypt on their key", p, plain(err))
	}
	return b, nil
}

func client(c aws.Config) *s3.Client {
	return s3.NewFromConfig(c, func(o *s3.Options) {
		o.UsePathStyle = c.BaseEndpoint != nil // a name in front of a test's address does not resolve
		o.DisableLogOutputChecksumValidationSkipped = true
	})
}

// look lists one object, to learn whether the others can be.
func (b *Bucket) look(ctx context.Context) error {
	_, err := b.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b.Bucket, Prefix: &b.Prefix, MaxKeys: aws.Int32(1)})
	return err
}

// elsewhere is the Region in which S3 says the bucket is, "" if it says none.
func elsewhere(err error) string {
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok && answer.HTTPResponse() != nil {
		return answer.HTTPResponse().Header.Get("X-Amz-Bucket-Region")
	}
	return ""
}

// plain is what AWS said, without the request around it.
func plain(err error) error {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return fmt.Errorf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	}
	return err
}

// Entry is one object of the listing.
type Entry struct {
	Key  string `json:"key"`
	Size int64  `json:"size"`
}

// Name is what an object is called in reports.
func (b *Bucket) Name(key string) string { return "s3://" + b.Bucket + "/" + key }

// Send lists the place and sends every object to out, in the order of the keys, while the
// next ones are got. It stops early when ctx ends.
func (b *Bucket) Send(ctx context.Context, out chan<- stream.Object) {
	if err := b.each(ctx, out, b.List); err != nil && ctx.Err() == nil {
		send(ctx, out, stream.Object{Input: cloudtrail.Input{Name: b.String()}, Err: fmt.Errorf("the listing broke off: %w", plain(err))})
	}
}

// SendSome sends objects that were listed before, likewise.
func (b *Bucket) SendSome(ctx context.Context, list []Entry, out chan<- stream.Object) {
	_ = b.each(ctx, out, func(ctx context.Context, take func(Entry) error) error { // the error is the context's
		for _, e := range list {
			if err := take(e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *Bucket) each(ctx context.Context, out chan<- stream.Object, list func(context.Context, func(Entry) error) error) error {
	coming := make(chan chan stream.Object, atOnce)
	var sending sync.WaitGroup
	sending.Go(func() {
		for o := range coming {
			send(ctx, out, <-o)
		}
	})
	err := list(ctx, func(e Entry) error {
		o := make(chan stream.Object, 1)
		select {
		case coming <- o:
			go func() { o <- b.Object(ctx, e) }()
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	close(coming)
	sending.Wait()
	return err
}

func send(ctx context.Context, out chan<- stream.Object, o stream.Object) {
	select {
	case out <- o:
	case <-ctx.Done():
	}
}

// Object gets an object. A small one is held in memory, a large one is got when it is read.
func (b *Bucket) Object(ctx context.Context, e Entry) stream.Object {
	name := b.Name(e.Key)
	key, ok := layout.Parse(name)
	o := stream.Object{Size: e.Size, Digest: ok && key.Kind == layout.Digest, Input: cloudtrail.Input{
		Name: name, OneMember: ok || layout.IsLogName(name), Open: func() (io.ReadCloser, error) { return b.get(ctx, e.Key) },
	}}
	if o.Digest || e.Size > whole {
		return o
	}
	body, err := b.read(ctx, e.Key)
	if err != nil {
		o.Err = err
		return o
	}
	o.Input.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return o
}

// read reads an object into memory, again when the connection breaks off.
func (b *Bucket) read(ctx context.Context, key string) (body []byte, err error) {
	const tries = 3
	for range tries {
		var r io.ReadCloser
		if r, err = b.get(ctx, key); err != nil {
			return nil, err // the client tried often enough
		}
		body, err = io.ReadAll(io.LimitReader(r, 2*whole)) // it may have grown since it was listed
		r.Close()
		if err == nil || ctx.Err() != nil {
			return body, err
		}
	}
	return nil, fmt.Errorf("read from S3: %w", err)
}

func (b *Bucket) get(ctx context.Context, key string) (io.ReadCloser, error) {
	answer, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.Bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("get from S3: %w", plain(err))
	}
	return answer.Body, nil
}

// Count is how many objects and stored bytes there are, for a progress bar. It lists the
// place once more.
func (b *Bucket) Count(ctx context.Context) (objects int, size int64) {
	_ = b.List(ctx, func(e Entry) error { // what goes wrong is told where objects are read
		objects++
		size += e.Size
		return nil
	})
	return objects, size
}
