package awsread

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secrettypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// storageOperations tell of queues, secrets and volumes.
var storageOperations = []Operation{
	{Action: "sqs:ListQueues", Regional: true, read: queues},
	{Action: "sqs:GetQueueAttributes", Regional: true, of: eachQueue, readOne: queueAttributes},
	{Action: "secretsmanager:ListSecrets", Regional: true, read: secrets},
	{Action: "ec2:GetEbsEncryptionByDefault", Regional: true, read: volumeEncryption},
}

// queues lists the queues of a Region. AWS gives their addresses, which end in account
// and name.
func queues(ctx context.Context, p *place) (any, error) {
	client := sqs.NewFromConfig(p.aws)
	in := &sqs.ListQueuesInput{MaxResults: aws.Int32(1000)} // without a limit SQS cuts the list
	all, err := gather(p, func(token *string) ([]facts.Queue, *string, error) {
		in.NextToken = token
		out, err := ask(ctx, p, client.ListQueues, in)
		if err != nil {
			return nil, nil, err
		}
		var page []facts.Queue
		for _, address := range out.QueueUrls {
			arn, err := queueARN(p, address)
			if err != nil {
				return nil, nil, err
			}
			page = append(page, facts.Queue{ARN: arn, URL: address})
		}
		return page, out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return direct(func(f *facts.Facts) { f.Queues = append(f.Queues, all...) }), nil
}

func queueARN(p *place, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("address of a queue: %w", err)
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) < 2 {
		return "", fmt.Errorf("address of a queue %q: want one that ends in account and name", address)
	}
	account, name, region := parts[len(parts)-2], parts[len(parts)-1], rootkeep.Region(p.aws.Region)
	return rootkeep.ARN{Partition: region.Partition(), Service: "sqs", Region: region, Account: rootkeep.AccountID(account), Resource: name}.String(), nil
}

func eachQueue(s *facts.Snapshot) []target {
	var out []target
	for _, q := range s.Facts.Queues {
		out = append(out, target{region: regionOf(q.ARN), key: q.ARN, with: []string{q.URL}})
	}
	return out
}

func queueAttributes(ctx context.Context, p *place, t target) (any, error) {
	out, err := ask(ctx, p, sqs.NewFromConfig(p.aws).GetQueueAttributes, &sqs.GetQueueAttributesInput{
		QueueUrl:       &t.with[0],
		AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNamePolicy, sqstypes.QueueAttributeNameKmsMasterKeyId, sqstypes.QueueAttributeNameSqsManagedSseEnabled},
	})
	if err != nil {
		return nil, err
	}
	a := out.Attributes // one that has no value is left out
	return direct(func(f *facts.Facts) {
		q := &f.Queues[slices.IndexFunc(f.Queues, func(q facts.Queue) bool { return q.ARN == t.key })]
		q.Policy = a[string(sqstypes.QueueAttributeNamePolicy)]
		q.Encrypted = a[string(sqstypes.QueueAttributeNameSqsManagedSseEnabled)] == "true" || a[string(sqstypes.QueueAttributeNameKmsMasterKeyId)] != ""
	}), nil
}

// secrets lists the secrets of a Region that are not about to be deleted.
func secrets(ctx context.Context, p *place) (any, error) {
	client := secretsmanager.NewFromConfig(p.aws)
	in := &secretsmanager.ListSecretsInput{MaxResults: aws.Int32(100)}
	all, err := gather(p, func(token *string) ([]secrettypes.SecretListEntry, *string, error) {
		in.NextToken = token
		out, err := ask(ctx, p, client.ListSecrets, in)
		if err != nil {
			return nil, nil, err
		}
		return out.SecretList, out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return direct(func(f *facts.Facts) {
		for _, s := range all {
			primary := aws.ToString(s.PrimaryRegion)
			f.Secrets = append(f.Secrets, facts.Secret{
				ARN: aws.ToString(s.ARN), Name: aws.ToString(s.Name), Created: aws.ToTime(s.CreatedDate).UTC(), Rotation: aws.ToBool(s.RotationEnabled),
				LastRotated: aws.ToTime(s.LastRotatedDate).UTC(), Replica: primary != "" && primary != p.aws.Region,
			})
		}
	}), nil
}

// volumeEncryption asks whether a Region encrypts new volumes by default.
func volumeEncryption(ctx context.Context, p *place) (any, error) {
	body, err := ask(ctx, p, ec2Question{p, "GetEbsEncryptionByDefault"}.ask, &struct{}{})
	if err != nil {
		return nil, err
	}
	on, err := encryptedByDefault(*body)
	if err != nil {
		return nil, err
	}
	return direct(func(f *facts.Facts) {
		i := slices.IndexFunc(f.Regions, func(r facts.Region) bool { return r.Name == p.aws.Region })
		if i >= 0 { // the list of Regions may have failed
			f.Regions[i].EBSEncryption = on
		}
	}), nil
}

// encryptedByDefault reads the answer of GetEbsEncryptionByDefault.
func encryptedByDefault(body []byte) (bool, error) {
	var answer struct {
		On *bool `xml:"ebsEncryptionByDefault"`
	}
	if err := xml.Unmarshal(body, &answer); err != nil || answer.On == nil {
		return false, errors.New("an answer without the setting")
	}
	return *answer.On, nil
}
