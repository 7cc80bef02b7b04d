package iam_test

import (
	"fmt"

	"github.com/rootkeep/rootkeep/iam"
)

func ExampleSet_Decide() {
	p, err := iam.Parse("reader", []byte(`{"Version":"2012-10-17","Statement":[
 {"Sid":"Read","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::logs/*",
  "Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := iam.NewSet(iam.Policies{Identity: []*iam.Policy{p}})
	if err != nil {
		fmt.Println(err)
		return
	}
	caller, err := iam.ParsePrincipal("arn:aws:iam::111122223333:user/ann")
	if err != nil {
		fmt.Println(err)
		return
	}
	request := iam.Request{
		Action: "s3:GetObject", Resource: "arn:aws:s3:::logs/a", ResourceAccount: "111122223333", Principal: caller,
		Context: iam.PartialContext(map[string][]string{"aws:SourceIp": {"192.0.2.1"}}),
	}
	fmt.Println(set.Decide(&request).Outcome)
	fmt.Println(set.Residual(&request))
	request.Context = iam.NewContext(nil)
	fmt.Print(set.Explain(&request, iam.Matching))
	// Output:
	// conditional
	// Bool aws:MultiFactorAuthPresent [true]
	// implicitly_denied: s3:GetObject on arn:aws:s3:::logs/a by arn:aws:iam::111122223333:user/ann (identity)
	//   identity: silent
	//     Allow reader statement 0 (Read) (line 2): Condition does not match (Bool aws:MultiFactorAuthPresent [true]; the key is absent)
}
