// What the page that is open tells the header.

class Place {
  /** The zone of what is shown, such as a service's. */
  zone = $state<string | null>(null);
}

export const place = new Place();
