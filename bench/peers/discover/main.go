// Prints the addresses that go-discover finds for tag env=prod. It has no setting for the endpoint,
// so every request of this process is sent to the one of the first argument.
package main

import (
	"fmt"
	"io/ioutil"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"

	discover "github.com/hashicorp/go-discover"
	"github.com/hashicorp/go-discover/provider/aws"
)

type loopback struct{ endpoint *url.URL }

func (l loopback) RoundTrip(request *http.Request) (*http.Response, error) {
	request.URL.Scheme = l.endpoint.Scheme
	request.URL.Host = l.endpoint.Host
	return direct.RoundTrip(request)
}

var direct = &http.Transport{}

func main() {
	endpoint, err := url.Parse(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	http.DefaultTransport = loopback{endpoint}
	http.DefaultClient.Transport = loopback{endpoint}
	quiet := log.New(ioutil.Discard, "", 0)
	log.SetOutput(ioutil.Discard)
	found := discover.Discover{Providers: map[string]discover.Provider{"aws": &aws.Provider{}}}
	settings := "provider=aws region=eu-west-1 tag_key=env tag_value=prod addr_type=private_v4"
	addresses, err := found.Addrs(settings, quiet)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(strings.Join(addresses, "\n"))
}
