// Prints the private address of every running instance with tag env=prod, all pages of them, with
// aws-sdk-go. The endpoint is the first argument, and nothing else is ever asked.
package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/ec2"
)

func main() {
	client := ec2.New(session.Must(session.NewSession()), &aws.Config{
		Endpoint: aws.String(os.Args[1]),
		Region:   aws.String("eu-west-1"),
	})
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	input := &ec2.DescribeInstancesInput{
		MaxResults: aws.Int64(1000),
		Filters: []*ec2.Filter{
			{Name: aws.String("tag:env"), Values: []*string{aws.String("prod")}},
			{Name: aws.String("instance-state-name"), Values: []*string{aws.String("running")}},
		},
	}
	err := client.DescribeInstancesPages(input, func(page *ec2.DescribeInstancesOutput, _ bool) bool {
		for _, reservation := range page.Reservations {
			for _, instance := range reservation.Instances {
				fmt.Fprintln(out, aws.StringValue(instance.PrivateIpAddress))
			}
		}
		return true
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
