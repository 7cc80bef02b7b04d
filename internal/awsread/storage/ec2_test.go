package storage

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
)

func TestEC2ListensWhereItsRegionIs(t *testing.T) {
	for _, c := range []struct{ name, region, base, want string }{
		{"most Regions", "eu-west-3", "", "https://ec2.eu-west-3.amazonaws.com/"},
		{"China", "cn-north-1", "", "https://ec2.cn-north-1.amazonaws.com.cn/"},
		{"GovCloud", "us-gov-west-1", "", "https://ec2.us-gov-west-1.amazonaws.com/"},
		{"an address that the configuration names", "eu-west-3", "http://127.0.0.1:4566", "http://127.0.0.1:4566/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &call.Place{AWS: aws.Config{Region: c.region}}
			if c.base != "" {
				p.AWS.BaseEndpoint = &c.base
			}
			if got, err := (ec2Question{p, "Any"}).address(); got != c.want || err != nil {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

const (
	ec2On      = `<GetEbsEncryptionByDefaultResponse><requestId>r</requestId><ebsEncryptionByDefault>true</ebsEncryptionByDefault></GetEbsEncryptionByDefaultResponse>`
	ec2Refused = `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors><RequestID>r</RequestID></Response>`
)

func TestAnswersOfEC2AreReadOrRefused(t *testing.T) {
	if on, err := encryptedByDefault([]byte(ec2On)); !on || err != nil {
		t.Errorf("got %t, %v, want true", on, err)
	}
	for _, text := range []string{"", "{", "<a/>", ec2Refused, strings.Replace(ec2On, "true", "maybe", 1)} {
		if on, err := encryptedByDefault([]byte(text)); on || err == nil {
			t.Errorf("%q: got %t, %v, want an error", text, on, err)
		}
	}
	if err := refusal([]byte(ec2Refused)); call.Code(err) != "UnauthorizedOperation" || !call.Denied(err) {
		t.Errorf("got %v, want a denial", err)
	}
	for _, text := range []string{"", "<a", ec2On} {
		if err := refusal([]byte(text)); err == nil || call.Code(err) != "" {
			t.Errorf("%q: got %v, want an error without a code", text, err)
		}
	}
}
